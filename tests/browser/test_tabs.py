"""The tabs of a dashboard in a real JupyterLab: keys, notes, checkpoints, other runs, time, pinned steps."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from lab import Notebook
from playwright.sync_api import Locator, Page, expect
from test_dashboard import LONG, show, stop, wait_for_points

pytestmark = pytest.mark.browser

Open = Callable[..., Notebook]
LOOK = "from akidlab.widgets import Dashboard\nDashboard(hand.run)"


def tab(page: Page, name: str) -> Locator:
    return page.locator(".akid-dash").first.get_by_role("tab", name=name)


def open_past(notebook: Open, name: str, *before: str) -> Notebook:
    """A finished run of 400 steps in a notebook, its curves drawn."""
    cells = [*before, f"hand = Hand('{name}', steps=400, pace=0.001)\nhand.train()", LOOK]
    book = notebook(name, *cells)
    book.run_all()
    book.wait_until_done()  # a cell that ends may take the focus
    wait_for_points(book.page, 200)
    return book


def test_tabs_go_by_arrow_keys_and_are_remembered(notebook: Open) -> None:
    book = open_past(notebook, "bykeys")
    page = book.page
    tab(page, "Curves").focus()

    page.keyboard.press("End")
    expect(tab(page, "Log")).to_be_focused()
    expect(tab(page, "Log")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel", name="Log").locator(".akid-messages")).to_be_visible()
    expect(page.locator("[data-chart=loss]")).to_have_count(0)  # what is not shown is not there

    page.locator(".jp-OutputArea-output").last.click()
    book.do("notebook:create-output-view")
    views = page.locator(".akid-dash:visible")
    expect(views).to_have_count(2)
    expect(views.last.get_by_role("tab", name="Log")).to_have_attribute("aria-selected", "true")

    tab(page, "Log").focus()
    page.keyboard.press("ArrowRight")  # behind the last one comes the first
    expect(tab(page, "Curves")).to_be_focused()
    expect(page.locator("[data-chart=loss] canvas").first).to_be_visible()
    assert book.problems == []


def test_a_note_and_a_checkpoint_are_asked_for_by_keys(notebook: Open) -> None:
    book = notebook("acts", f"Hand('acts', steps={LONG}).watch();")
    page = book.page
    book.run_all()
    wait_for_points(page, 20)
    said = page.locator(".akid-said")

    page.locator(".akid-dash").focus()
    page.keyboard.press("n")
    box = page.get_by_role("textbox", name="Note")
    expect(box).to_be_focused()
    page.keyboard.type("s is no step here")  # keys that elsewhere act
    page.keyboard.press("Enter")
    expect(said).to_contain_text("Note: s is no step here")
    page.keyboard.press("c")
    expect(said).to_contain_text("Checkpoint written")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Write a checkpoint")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()

    assert book.is_busy
    stop(book)
    assert book.problems == []


def test_a_note_is_kept_with_a_past_run(notebook: Open) -> None:
    book = open_past(notebook, "noted")
    page = book.page

    page.get_by_role("button", name="Note").click()
    page.get_by_role("textbox", name="Note").fill("The best of the day.")
    page.keyboard.press("Enter")

    expect(page.locator(".akid-said")).to_contain_text("step 400")
    expect(page.locator(".akid-said")).to_contain_text("Note: The best of the day.")
    assert book.problems == []


def test_other_runs_are_found_and_drawn_over_the_curves(notebook: Open) -> None:
    others = "for name in ('plain', 'deeper'):\n    Hand(name, steps=600, pace=0.0005).train()"
    book = open_past(notebook, "over", others)
    page = book.page
    loss = page.locator("[data-chart=loss]")

    page.locator(".akid-tools").get_by_role("button", name="Runs").click()
    find = page.get_by_role("searchbox", name="Find runs")
    expect(find).to_be_focused()
    find.fill("deep")
    box = page.get_by_role("checkbox", name="deeper")
    expect(page.get_by_role("checkbox")).to_have_count(1)
    expect(page.get_by_role("group", name="Other runs")).to_contain_text("Finished · step 600")
    box.check()
    expect(loss.locator(".akid-others .akid-chip")).to_have_text([re.compile(r"^deeper0\.\d+$")])
    expect(loss.get_by_role("img")).to_have_attribute("aria-label", re.compile(r"deeper 0\.\d+ at step 600"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Runs · 1")).to_be_focused()
    assert book.problems == []


def test_the_axis_may_be_time_and_a_step_pinned_beside_what_is_pointed_at(notebook: Open) -> None:
    book = open_past(notebook, "timed")
    page = book.page
    loss = page.locator("[data-chart=loss]")
    canvas = loss.get_by_role("img")

    canvas.focus()
    page.keyboard.press("Home")
    expect(loss.locator(".akid-at")).to_have_text("2")
    expect(page.locator("[data-chart=accuracy] .akid-at")).to_have_text("2")  # they share the cursor
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    expect(loss.locator(".akid-pinned")).to_have_text(
        re.compile(r"^Pinned 2: training 2\.\d+ \(at the cursor .\d\.\d+\)")
    )
    page.get_by_label("Horizontal axis").select_option("time")
    expect(loss).to_have_attribute("data-axis", "time")
    canvas.focus()
    page.keyboard.press("End")
    expect(loss.locator(".akid-at")).to_have_text(re.compile(r"^\d\.\d+ s$|^\d:\d\d$"))
    expect(loss.locator(".akid-pinned")).to_have_text(re.compile(r"^Pinned 2: "))
    page.keyboard.press("Escape")
    expect(loss.locator(".akid-pinned")).to_be_hidden()
    assert book.problems == []


def test_charts_are_chosen_and_one_is_made_large(notebook: Open) -> None:
    book = open_past(notebook, "chosen")
    page = book.page
    loss = page.locator("[data-chart=loss]")

    page.get_by_role("button", name="Charts").click()
    page.get_by_role("checkbox", name="Accuracy").uncheck()
    expect(page.locator("[data-chart=accuracy]")).to_have_count(0)
    page.get_by_role("button", name="Learning rate: first").click()
    expect(page.locator(".akid-charts [data-chart]").first).to_have_attribute("data-chart", "learning_rate")
    page.keyboard.press("Escape")
    low = loss.bounding_box()
    page.get_by_role("button", name="Loss: large").click()
    expect(loss).to_have_class(re.compile("akid-large"))
    high = loss.bounding_box()
    page.keyboard.press("Escape")
    expect(loss).not_to_have_class(re.compile("akid-large"))
    show(page, "Log")
    assert low
    assert high
    assert high["height"] > 1.5 * low["height"]
    assert book.problems == []
