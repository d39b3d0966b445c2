"""Comparing two real runs in a real JupyterLab: one has ended, the other one trains."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from lab import Notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

Open = Callable[..., Notebook]

MAKE = """
%load_ext akidlab
import akidlab
from akidlab import *
from akidlab.models.brains import OneLayerBrain

def make(name, lr, **told):
    sensor = FeedSensor(DigitsSource(), batch_size=100, seed=3)
    return Kid(sensor, OneLayerBrain(), MomentumKongFu(lr), name=name, val_log_step=50, **told)

ended = make("ended", 0.05, max_steps=100)
ended.practice()
live = make("live", 0.01, max_steps=1_000_000)
live.brain.insert_after("relu1", DropoutLayer(keep_prob=0.9, name="drop1"))
"""
TRAIN = "%akid_train live --background --no-dashboard"
COMPARE = "akidlab.compare(ended, live)"
STOP = "live.controls.send('stop')"


def test_an_ended_run_and_a_live_one_are_compared(notebook: Open) -> None:
    book = notebook("compare", MAKE, TRAIN, COMPARE, STOP)
    page = book.page
    for _ in range(4):
        book.do("notebook:run-cell-and-select-next")
    loss = page.locator(".akid-compare [data-chart='loss']")
    expect(loss.locator("canvas").first).to_be_visible()
    live = page.locator(".akid-run[data-run='live']")
    expect(live.locator(".akid-badge")).to_have_text("running")
    seen = int(loss.get_attribute("data-last-step") or 0)
    page.wait_for_function(
        f"() => Number(document.querySelector('.akid-compare [data-chart=loss]').dataset.lastStep) > {seen}"
    )
    live.click()
    expect(live).to_have_attribute("aria-pressed", "false")
    expect(loss).to_have_attribute("data-last-step", "100")  # where the other one ended
    live.click()

    curves = page.get_by_role("tab", name="Curves")
    curves.click()
    expect(curves).to_be_focused()
    page.keyboard.press("ArrowRight")
    changes = page.locator(".akid-changes")
    expect(changes).to_be_visible()
    expect(changes.locator("tr", has_text="lr").first).to_contain_text("0.05")
    expect(changes.locator("tr[data-kind='graph']", has_text="added: DropoutLayer")).to_contain_text("drop1")

    page.keyboard.press("ArrowRight")
    table = page.get_by_role("region", name="The runs as a table")
    expect(table).to_be_visible()
    for order in ("ascending", "descending"):
        table.get_by_role("button", name="lr", exact=True).or_(table.get_by_title("Sort by lr")).first.click()
        expect(table.locator("th", has=page.get_by_title("Sort by lr"))).to_have_attribute("aria-sort", order)
    expect(table.locator("tbody th").first).to_have_text("ended")  # the greater rate is first

    page.get_by_role("tab", name="Graphs").click()
    expect(page.locator(".akid-differs-added[data-node='drop1']")).to_be_visible()
    page.get_by_role("button", name="added drop1").click()
    expect(page.locator(".akid-differs-added[data-node='drop1']")).to_be_visible()
    expect(page.locator(".akid-side")).to_have_count(2)

    page.get_by_role("tab", name="Parallel coordinates").click()
    expect(page.locator(".akid-parallel .axis-title", has_text="lr")).to_be_visible()

    stop = page.locator(".jp-CodeCell").last
    stop.locator(".jp-InputPrompt").click()
    expect(stop).to_have_class(re.compile("jp-mod-active"))
    book.do("notebook:run-cell")
    expect(stop.locator(".jp-OutputArea-output")).to_have_text("True")
    live.scroll_into_view_if_needed()  # what nobody sees is not asked for
    expect(live.locator(".akid-badge")).to_have_text("stopped")
    assert book.problems == []


def test_a_saved_comparison_reads_without_its_kernel(notebook: Open) -> None:
    past = MAKE.replace('"ended"', '"one"').replace('"live"', '"other"')
    book = notebook("compared", past + "live.max_steps = 60\nlive.practice()", COMPARE)
    page = book.page
    book.run_all()
    expect(page.locator(".akid-compare canvas").first).to_be_visible()

    cell = book.saved()["cells"][-1]["outputs"][0]["data"]
    assert "application/vnd.jupyter.widget-view+json" not in cell
    assert "lr: one 0.05 · other 0.01" in "".join(cell["text/plain"])
    assert "<img" in "".join(cell["text/html"])
    assert sum(len("".join(part)) for part in cell.values()) < 40_000
    book.shut_down()
    page.reload()
    expect(page.locator("[data-akidlab] img")).to_be_visible()
    expect(page.locator(".akid-compare")).to_have_count(0)
    assert book.problems == []
