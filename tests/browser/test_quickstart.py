"""The front door: the first notebook in a real JupyterLab, from the first cell to the saved file."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from lab import Lab, Notebook
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.browser

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "00_quickstart.ipynb"

TRAIN = """\
%load_ext akidlab
from akidlab import *"""
CELL = """\
%%akid_train --steps 100000000 --name front
brain = Brain(name="brain")
brain.attach([
    InnerProductLayer(out_channel_num=32, name="ip1"),
    ReLULayer(name="relu1"),
    InnerProductLayer(out_channel_num=10, name="ip2"),
    SoftmaxWithLossLayer(
        class_num=10, inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}], name="loss"
    ),
])
kid = Kid(FeedSensor(DigitsSource(), batch_size=32), brain, MomentumKongFu(lr=0.01), train_log_step=10)"""


def test_the_stop_button_stops_a_real_training(notebook: Callable[..., Notebook]) -> None:
    book = notebook("front", TRAIN, CELL)
    page = book.page
    book.run_all()
    moved = "least => Number(document.querySelector('[data-chart=loss]')?.dataset.points) > least"
    page.wait_for_function(moved, arg=5)
    before = int(page.locator("[data-chart=loss]").get_attribute("data-points") or 0)
    page.wait_for_function(moved, arg=before + 5)
    assert book.is_busy

    box = page.get_by_role("textbox", name="Learning rate")
    box.fill("0.005")
    box.press("Enter")
    expect(page.locator(".akid-said")).to_contain_text("Learning rate set to 0.005")
    page.get_by_role("button", name="Stop").click()
    book.wait_until_done(60)
    expect(page.locator("[data-akidlab] .akid-badge")).to_have_text("Stopped")
    assert book.problems == []


@pytest.mark.ranks
def test_a_real_training_moves_to_ranks_and_back_while_its_cell_waits(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook("moves", TRAIN, CELL.replace("front", "moves"), "%akid_pool --stop")
    page = book.page
    book.run_all()
    menu, said = page.locator(".akid-move"), page.locator(".akid-said")
    expect(menu).to_be_visible()  # the run has begun
    for key, text in (("ArrowDown", "to 2 ranks."), ("ArrowUp", "from 2 ranks to this notebook.")):
        menu.press("ArrowDown")  # opens it
        expect(page.get_by_role("menuitemradio", checked=True)).to_be_focused()
        page.keyboard.press(key)
        page.keyboard.press("Enter")
        expect(said).to_contain_text(text)
        expect(menu).to_be_enabled()
    expect(menu).to_have_text("Processeshere")
    assert book.is_busy

    page.get_by_role("button", name="Stop").click()
    book.wait_until_done(60)
    assert book.problems == []


@pytest.mark.ranks
@pytest.mark.skipif(not importlib.util.find_spec("horovod"), reason="Horovod is not installed")
def test_the_quickstart_runs_clean_and_is_saved_small(lab: Lab, browser: Browser) -> None:
    book = Notebook.of(lab, browser, QUICKSTART)
    try:
        book.do("notebook:clear-all-cell-outputs")
        book.run_all()
        book.wait_until_done(300)
        book.page.wait_for_timeout(2000)
        saved = book.saved()
    finally:
        book.close()

    outputs = [output for cell in saved["cells"] for output in cell.get("outputs", [])]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert [output["evalue"] for output in outputs if output["output_type"] == "error"] == []
    assert book.problems == []
    assert "image/svg+xml" in kinds
    assert "application/vnd.jupyter.widget-view+json" not in kinds
    pictures = sum(len(output["data"].get("image/png", "")) for output in outputs if "data" in output)
    assert len(json.dumps(saved)) - pictures < 100_000  # JupyterLab's plotly adds pictures of its own
