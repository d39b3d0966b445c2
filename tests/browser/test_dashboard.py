"""The dashboard in a real JupyterLab: it moves and obeys while the cell runs, and stays readable after."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from lab import Notebook
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

LONG = 1_000_000  # steps of a run that is to be seen live: it goes on until the test stops it

Open = Callable[..., Notebook]


def points(page: Page, chart: str = "loss") -> int:
    return int(page.locator(f"[data-chart={chart}]").first.get_attribute("data-points") or 0)


def step(page: Page) -> int:
    return int(page.locator(".akid-dash").first.get_attribute("data-step") or 0)


def wait_for_points(page: Page, least: int, chart: str = "loss") -> None:
    js = f"least => Number(document.querySelector('[data-chart={chart}]')?.dataset.points) >= least"
    page.wait_for_function(js, arg=least)


def settled_step(page: Page) -> int:
    """The step of a run that is paused, once the last one made has been told."""
    known = -1
    while known != (known := step(page)):
        page.wait_for_timeout(800)
    return known


def show(page: Page, tab: str) -> None:
    page.locator(".akid-dash").get_by_role("tab", name=tab).click()
    expect(page.get_by_role("tabpanel", name=tab)).to_be_visible()


def stop(book: Notebook) -> None:
    book.page.get_by_role("button", name="Stop").click()
    book.wait_until_done(60)


def test_charts_move_while_the_cell_runs(notebook: Open) -> None:
    book = notebook("moves", f"Hand('moves', steps={LONG}).watch();")
    book.run_all()
    wait_for_points(book.page, 50)
    before, drawn = points(book.page), book.page.locator("[data-chart=loss] canvas").screenshot()
    wait_for_points(book.page, before + 50)
    assert book.is_busy
    assert book.page.locator("[data-chart=loss] canvas").screenshot() != drawn
    stop(book)
    assert book.problems == []


def test_buttons_act_while_the_cell_runs(notebook: Open) -> None:
    book = notebook("obeys", f"Hand('obeys', steps={LONG}).watch();")
    page = book.page
    book.run_all()
    wait_for_points(page, 20)
    badge = page.locator(".akid-badge")

    page.get_by_role("button", name="Pause").click()
    expect(badge).to_have_text("Paused")
    held = settled_step(page)

    page.get_by_role("button", name="Step").click()
    expect(page.locator(".akid-said")).to_contain_text("Made one step")
    assert held <= settled_step(page) <= held + 2  # a hand records every other step

    page.get_by_role("button", name="Resume").click()
    expect(badge).to_have_text("Running")

    box = page.get_by_role("textbox", name="Learning rate")
    box.fill("0.002")
    box.press("Enter")
    expect(page.locator(".akid-said")).to_contain_text("Learning rate set to 0.002")

    assert book.is_busy
    stop(book)
    assert book.problems == []


def test_keys_act_and_do_not_reach_the_notebook(notebook: Open) -> None:
    book = notebook("keys", f"Hand('keys', steps={LONG}).watch();")
    page = book.page
    book.run_all()
    wait_for_points(page, 20)
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    dash = page.locator(".akid-dash")
    dash.focus()

    page.keyboard.press("Space")
    expect(page.locator(".akid-badge")).to_have_text("Paused")
    held = settled_step(page)
    page.keyboard.press("s")
    page.keyboard.press("s")
    page.wait_for_function(f"() => Number(document.querySelector('.akid-dash').dataset.step) > {held}")
    page.keyboard.press("b")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('.akid-dash') === null")
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells

    stop(book)


def test_a_command_that_nobody_takes_is_told(notebook: Open) -> None:
    book = notebook("silent", f"Hand('silent', steps={LONG}).watch(reachable=False)")
    book.run_all()
    wait_for_points(book.page, 20)

    book.page.get_by_role("button", name="Pause").click()

    expect(book.page.locator(".akid-notice")).to_contain_text("No answer to “pause” yet")


def test_a_saved_notebook_reads_without_a_kernel(notebook: Open) -> None:
    book = notebook("saved", "Hand('saved', steps=300).watch();")
    book.run_all()
    book.wait_until_done()
    expect(book.page.locator("[data-akidlab] .akid-badge")).to_have_text("Finished")

    saved = book.saved()

    (output,) = saved["cells"][1]["outputs"]
    assert set(output["data"]) == {"text/html", "image/svg+xml", "text/plain"}
    assert "data:image/svg+xml;base64," in output["data"]["text/html"][0]
    assert len(json.dumps(saved)) < 100_000
    assert book.problems == []


def test_a_page_reloaded_in_mid_training_reconnects_and_shows_the_whole_history(notebook: Open) -> None:
    train = f"""\\
import threading
from akidlab.widgets import Dashboard

hand = Hand('again', steps={LONG})
Dashboard(hand.run, send=hand.send).show()
threading.Thread(target=hand.train).start()"""
    book = notebook("again", train)
    page = book.page
    book.run_all()
    wait_for_points(page, 100)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".akid-badge")).to_have_text("Paused")
    settled_step(page)
    known = points(page)
    book.saved()
    page.reload()

    expect(page.locator(".akid-badge")).to_have_text("Paused")
    wait_for_points(page, known)  # nothing is made meanwhile: these are of before
    page.get_by_role("button", name="Resume").click()
    wait_for_points(page, known + 20)

    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".akid-badge")).to_have_text("Stopped")
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
    page.wait_for_selector(".akid-plotly .main-svg")
    assert book.problems == []


def test_charts_fill_the_width_of_a_narrow_page(notebook: Open) -> None:
    book = notebook("narrow", f"Hand('narrow', steps={LONG}).watch();", width=1250)
    book.run_all()
    wait_for_points(book.page, 20)
    right = "document.querySelector('[data-chart={}]').getBoundingClientRect().right"
    book.page.wait_for_function(f"{right.format('accuracy')} === {right.format('learning_rate')}")
    width = book.page.locator(".akid-dash").evaluate("dash => dash.clientWidth")
    stop(book)

    assert 660 < width < 860


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
    book.shut_down()
    book.page.reload()
    expect(picture).to_be_visible()

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
    book.page.wait_for_selector(".akid-dash.akid-dark")
    dark = book.page.evaluate(ink)
    book.do("apputils:change-theme", "{theme: 'JupyterLab Light'}")
    book.page.wait_for_selector(".akid-dash:not(.akid-dark)")

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

    show(page, "Log")
    expect(page.locator(".akid-messages .akid-line[data-level=warning]")).to_have_count(1)
    expect(page.locator(".akid-warned")).to_be_visible()
    expect(page.locator(".akid-warned")).to_have_attribute("title", re.compile(r"^The loss is not finite"))
    assert book.problems == []


def test_lines_of_a_topic_share_a_chart_and_what_that_costs_is_told(notebook: Open) -> None:
    book = notebook("inside", f"Hand('inside', steps={LONG}, layers=6).watch();")
    page = book.page
    book.run_all()
    wait_for_points(page, 100)

    fold = page.get_by_role("button", name="Metrics")
    expect(fold).to_have_attribute("aria-expanded", "true")
    charts = page.locator(".akid-metrics [data-chart]")
    expect(charts).to_have_count(3)
    assert [chart.get_attribute("data-chart") for chart in charts.all()] == [
        "weights_norm2",
        "update_ratio",
        "activations_dead_units",
    ]
    wait_for_points(page, 10, "weights_norm2")
    ratio = page.locator("[data-chart=update_ratio]")
    expect(ratio.get_by_role("button", name="logarithmic axis")).to_have_attribute("aria-pressed", "true")
    expect(ratio.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(r"^Chart of Update ratio, 6 lines: conv0 ")
    )
    expect(page.locator(".akid-observing")).to_have_text(re.compile(r"^Observing1\.\d % · every 10$"))
    expect(page.locator("[data-chart^=observation]")).to_have_count(0)
    page.get_by_role("searchbox").press_sequentially("conv1 s")  # keys that elsewhere pause and make a step
    expect(ratio.locator(".akid-chip")).to_have_text(["conv1"])
    expect(page.locator(".akid-badge")).to_have_text("Running")
    stop(book)
    assert book.problems == []


STOPPED = """
from akidlab.messages import Event, Message
from akidlab.store import Recorder
from akidlab.widgets import Dashboard
text = 'The loss is NaN at step 5. `ip2` is the first whose output is not finite.'
hand = Hand('stopped', steps=5, pace=0.001)
hand.train()
with Recorder(hand.run) as recorder:
    for number in range(30):
        unit = {'finding': 'dead_relu', 'block': f'relu{number}', 'text': 'Dead units. ' + 'x' * 100}
        recorder.hear(Message('event', Event('warning', unit), step=5))
    recorder.hear(Message('event', Event('guard', {'finding': 'loss', 'block': 'ip2', 'text': text}), step=5))
    recorder.stop('stopped', error=text)
Dashboard(hand.run)
"""


def test_what_a_guard_stopped_a_run_for_is_told_once_and_last(notebook: Open) -> None:
    book = notebook("stopped", STOPPED)
    book.run_all()
    page = book.page

    expect(page.get_by_role("alert").filter(has_text="Stopped by the guard at step 5")).to_be_visible()
    page.get_by_role("button", name="31 warnings").click()
    said = page.locator(".akid-messages")
    expect(said.locator(".akid-line[data-level=warning] .akid-block")).to_have_count(30)
    expect(said.locator(".akid-line[data-level=error]")).to_have_count(1)
    expect(said.locator(".akid-line[data-level=error] code")).to_have_text(["ip2"])
    expect(said.locator(".akid-line").last).to_be_in_viewport()
    assert book.problems == []


def test_many_lines_can_be_filtered_and_pointed_at(notebook: Open) -> None:
    look = "from akidlab.widgets import Dashboard\nDashboard(hand.run)"
    book = notebook("many", "hand = Hand('many', steps=400, pace=0.001, layers=40)\nhand.train()", look)
    page = book.page
    book.run_all()
    wait_for_points(page, 200)
    norms = page.locator("[data-chart=weights_norm2]")
    expect(norms.locator(".akid-at")).to_have_text("40 lines")
    expect(norms.locator(".akid-legend .akid-chip")).to_have_count(9)
    expect(norms.locator(".akid-legend .akid-chip").last).to_have_text("32 more")

    box = page.get_by_role("searchbox", name="Show only the lines")
    box.fill("conv2d3, conv2d21")
    expect(norms.locator(".akid-at")).to_have_text("12 lines")
    box.fill("conv2d20")
    expect(norms.locator(".akid-chip")).to_have_text(["features/conv2d20"])
    page.get_by_role("button", name="Weights norm2 as a table").click()
    expect(norms.locator("thead")).to_have_text("Stepfeatures/conv2d20")
    page.get_by_role("button", name="Weights norm2 as a table").click()
    box.fill("nothing")
    expect(page.locator(".akid-metrics .akid-note")).to_have_text("No line has such a name.")
    box.press("Escape")
    expect(norms.locator(".akid-at")).to_have_text("40 lines")

    norms.locator(".akid-chip", has_text="conv2d3").hover()
    expect(norms.locator(".akid-at")).to_have_text(re.compile(r"^conv2d3 \d"))
    expect(page.locator("[data-chart=update_ratio] .akid-at")).to_have_text(re.compile(r"^conv2d3 \d"))
    assert book.problems == []


def test_what_a_guard_held_the_run_for_stands_above_the_charts(notebook: Open) -> None:
    book = notebook("guarded", f"Hand('guarded', steps={LONG}, guards_at=200, guard='pause').watch();")
    page = book.page
    book.run_all()
    alarm = page.get_by_role("alert").filter(has_text="guard")

    expect(alarm).to_contain_text("Paused by the guard at step 200")
    expect(alarm.locator("code")).to_have_text("features/conv2d1")
    expect(page.locator(".akid-line[data-level=error]")).to_contain_text("features/conv2d1The gradient")
    expect(page.locator(".akid-line [role=img]")).to_have_attribute("aria-label", "Error")
    page.get_by_role("button", name="Resume").click()
    expect(alarm).to_be_hidden()
    stop(book)
    assert book.problems == []
