"""The dashboard in a real JupyterLab: it moves and obeys while the cell runs, and stays readable after."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from lab import Notebook
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PATIENCE = 20_000  # ms; how quick it is is for the benchmarks, on a machine that does nothing else

Open = Callable[..., Notebook]


def points(page: Page, chart: str = "loss") -> int:
    return int(page.locator(f"[data-chart={chart}]").first.get_attribute("data-points", timeout=30_000) or 0)


def step(page: Page) -> int:
    return int(page.locator(".akid-dash").first.get_attribute("data-step") or 0)


def wait_for_points(page: Page, least: int) -> None:
    js = "least => Number(document.querySelector('[data-chart=loss]')?.dataset.points) >= least"
    page.wait_for_function(js, arg=least, timeout=30_000)


def test_charts_move_while_the_cell_runs(notebook: Open) -> None:
    book = notebook("moves", "Hand('moves', steps=1500).watch()")
    book.run_all()
    wait_for_points(book.page, 50)
    before, drawn = points(book.page), book.page.locator("[data-chart=loss] canvas").screenshot()
    wait_for_points(book.page, before + 50)
    assert book.is_busy
    assert book.page.locator("[data-chart=loss] canvas").screenshot() != drawn
    book.wait_until_done()
    assert book.problems == []


def test_buttons_act_while_the_cell_runs(notebook: Open) -> None:
    book = notebook("obeys", "Hand('obeys', steps=100_000).watch()")
    page = book.page
    book.run_all()
    wait_for_points(page, 20)
    badge = page.locator(".akid-badge")

    page.get_by_role("button", name="Pause").click()
    expect(badge).to_have_text("Paused", timeout=PATIENCE)
    held = step(page)
    page.wait_for_timeout(600)
    assert step(page) == held

    page.get_by_role("button", name="Step").click()
    expect(page.locator(".akid-messages")).to_contain_text("Made one step", timeout=PATIENCE)
    assert held <= step(page) <= held + 2

    page.get_by_role("button", name="Resume").click()
    expect(badge).to_have_text("Running", timeout=PATIENCE)

    box = page.get_by_role("textbox", name="Learning rate")
    box.fill("0.002")
    box.press("Enter")
    expect(page.locator(".akid-messages")).to_contain_text("Learning rate set to 0.002", timeout=PATIENCE)

    assert book.is_busy
    page.get_by_role("button", name="Stop").click()
    book.wait_until_done(30)
    assert book.problems == []


def test_keys_act_and_do_not_reach_the_notebook(notebook: Open) -> None:
    book = notebook("keys", "Hand('keys', steps=100_000).watch()")
    page = book.page
    book.run_all()
    wait_for_points(page, 20)
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    dash = page.locator(".akid-dash")
    dash.focus()

    page.keyboard.press("Space")
    expect(page.locator(".akid-badge")).to_have_text("Paused", timeout=PATIENCE)
    held = step(page)
    page.keyboard.press("s")
    page.keyboard.press("s")
    page.wait_for_function(
        f"() => Number(document.querySelector('.akid-dash').dataset.step) > {held}", timeout=PATIENCE
    )
    page.keyboard.press("b")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('.akid-dash') === null")
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells

    page.get_by_role("button", name="Stop").click()
    book.wait_until_done(30)


def test_a_command_that_nobody_takes_is_told(notebook: Open) -> None:
    book = notebook("silent", "Hand('silent', steps=3000).watch(reachable=False)")
    book.run_all()
    wait_for_points(book.page, 20)

    book.page.get_by_role("button", name="Pause").click()

    expect(book.page.locator(".akid-notice")).to_contain_text("No answer to “pause” yet", timeout=PATIENCE)
    book.wait_until_done()


def test_a_saved_notebook_reads_without_a_kernel(notebook: Open) -> None:
    book = notebook("saved", "Hand('saved', steps=300).watch();")
    book.run_all()
    book.wait_until_done()
    book.page.wait_for_selector(".js-plotly-plot", timeout=30_000)

    saved = book.saved()

    (output,) = saved["cells"][1]["outputs"]
    data = set(output["data"]) - {"image/png"}  # JupyterLab's plotly adds a picture of its own
    assert data == {"application/vnd.plotly.v1+json", "image/svg+xml", "text/plain"}
    assert len(json.dumps(output["data"]["application/vnd.plotly.v1+json"])) <= 20_000
    assert len(json.dumps(saved)) < 300_000
    assert book.problems == []


def test_a_past_run_is_shown_without_controls(notebook: Open) -> None:
    book = notebook(
        "past",
        "hand = Hand('past', steps=400, pace=0.001)\nhand.train()",
        "from akidlab.widgets import Dashboard\nDashboard(hand.run)",
    )
    book.run_all()
    wait_for_points(book.page, 200)
    page = book.page
    expect(page.locator(".akid-badge")).to_have_text("Finished")
    expect(page.get_by_role("button", name="Pause")).to_be_hidden()

    page.get_by_role("button", name="Loss as a table").click()
    expect(page.locator("[data-chart=loss] tbody tr").first).to_contain_text("400")

    page.get_by_role("button", name="Plotly").click()
    page.wait_for_selector(".akid-plotly .main-svg", timeout=30_000)
    assert book.problems == []


def test_charts_fill_the_width_of_a_narrow_page(notebook: Open) -> None:
    book = notebook("narrow", "Hand('narrow', steps=300).watch()", width=1250)
    book.run_all()
    wait_for_points(book.page, 20)
    right = "name => document.querySelector(`[data-chart=${name}]`).getBoundingClientRect().right"
    edges = [book.page.evaluate(right, name) for name in ("accuracy", "learning_rate")]
    width = book.page.locator(".akid-dash").evaluate("dash => dash.clientWidth")
    book.wait_until_done()

    assert 660 < width < 860
    assert edges[0] == edges[1]


def test_the_saved_notebook_of_a_past_run_reads_without_a_kernel(notebook: Open) -> None:
    book = notebook(
        "kept",
        "hand = Hand('kept', steps=400, pace=0.001)\nhand.train()",
        "from akidlab.widgets import Dashboard\nDashboard(hand.run)",
    )
    book.run_all()
    wait_for_points(book.page, 200)
    picture = book.page.locator(".jp-OutputArea-output img")
    expect(picture).to_be_hidden()

    assert book.problems == []
    (output,) = book.saved()["cells"][2]["outputs"]
    book.page.reload()
    wait_for_points(book.page, 200)
    book.do("notebook:shutdown-kernel")
    book.page.wait_for_timeout(1000)
    book.page.reload()
    expect(picture).to_be_visible(timeout=60_000)

    assert set(output["data"]) == {"text/html", "image/svg+xml", "text/plain"}
    assert book.page.locator(".akid-dash").count() == 0
    assert picture.evaluate("image => image.naturalWidth") > 500


def test_colours_follow_the_theme(notebook: Open) -> None:
    book = notebook(
        "theme",
        "hand = Hand('theme', steps=200, pace=0.001)\nhand.train()",
        "from akidlab.widgets import Dashboard\nDashboard(hand.run)",
    )
    book.run_all()
    wait_for_points(book.page, 100)
    ink = "getComputedStyle(document.querySelector('.akid-dash')).backgroundColor"
    light = book.page.evaluate(ink)

    book.do("apputils:change-theme", "{theme: 'JupyterLab Dark'}")
    book.page.wait_for_selector(".akid-dash.akid-dark", timeout=PATIENCE)
    dark = book.page.evaluate(ink)
    book.do("apputils:change-theme", "{theme: 'JupyterLab Light'}")
    book.page.wait_for_selector(".akid-dash:not(.akid-dark)", timeout=PATIENCE)

    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(22, 24, 28)")


WARNED = """
from akidlab.messages import Event, Log, Message, Samples
from akidlab.store import Recorder
from akidlab.widgets import Dashboard
text = 'The loss is not finite since step 3: a smaller rate may help.'
hand = Hand('warned', steps=5, pace=0.001)
hand.train()
with Recorder(hand.run) as recorder:
    recorder.hear(Message('huge', Samples([1, 2, 3], [1.0, 3e21, float('nan')], [1e9] * 3)))
    recorder.hear(Message('event', Event('warning', {'text': text}), step=3))
    recorder.hear(Message('log', Log(text, 'warning'), step=3))
Dashboard(hand.run)
"""


def test_what_a_run_was_warned_of_is_told_once_and_marked(notebook: Open) -> None:
    book = notebook("warned", WARNED)
    book.run_all()
    page = book.page

    expect(page.locator(".akid-line[data-level=warning]")).to_have_count(1, timeout=30_000)
    expect(page.locator(".akid-warned")).to_be_visible()
    expect(page.locator(".akid-warned")).to_have_attribute("title", re.compile(r"^The loss is not finite"))
    assert book.problems == []
