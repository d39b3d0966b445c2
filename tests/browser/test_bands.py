"""How tensors are spread, in a real JupyterLab: bands move while it trains, and one is looked at closely."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lab import Notebook
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

LONG = 1_000_000  # steps of a run that goes on until the test stops it

Open = Callable[..., Notebook]


def show(page: Page) -> None:
    page.locator(".akid-dash").get_by_role("tab", name="Distributions").click()


def card(page: Page, tag: str):
    return page.locator(f".akid-bands-card[data-tag='{tag}']")


def wait_for_step(page: Page, selector: str, least: int) -> None:
    """Until what is drawn reaches a step."""
    js = "([selector, least]) => Number(document.querySelector(selector)?.dataset.lastStep) >= least"
    page.wait_for_function(js, arg=[selector, least])


def test_bands_move_while_it_trains_and_one_is_looked_at_closely(notebook: Open) -> None:
    book = notebook("spread", f"Hand('spread', steps={LONG}, tensors=4).watch();")
    page, bell = book.page, "[data-tag='weights/conv2']"
    book.run_all()
    show(page)
    wait_for_step(page, bell, 60)
    drawn = card(page, "weights/conv2").locator("canvas").screenshot()
    wait_for_step(page, bell, 200)
    assert book.is_busy
    assert card(page, "weights/conv2").locator("canvas").screenshot() != drawn

    page.get_by_label("Show only those whose names hold these words").fill("conv2")
    expect(page.locator(".akid-bands-card")).to_have_count(2)
    gradients = card(page, "weight_gradients/conv2")
    expect(gradients.locator(".akid-bands-canvas")).to_have_attribute("data-scale", "log")
    gradients.focus()
    page.keyboard.press("Enter")
    large = page.locator(".akid-bands-large")
    expect(large.get_by_role("slider")).to_be_focused()
    wait_for_step(page, ".akid-bands-large", 200)
    page.keyboard.press("Home")
    expect(large.locator(".akid-bands-legend thead th").last).to_have_text("5")
    lines = large.locator("[data-line] td").all_inner_texts()
    assert len(lines) == 9
    assert [float(text) for text in lines] == sorted(map(float, lines), reverse=True)
    large.get_by_role("button", name="As a table").click()
    expect(large.get_by_role("region", name="weight_gradients/conv2 as a table")).to_be_visible()
    expect(large.locator(".akid-table tbody tr").first).to_be_visible()
    for _ in range(2):  # the table, then the large one
        page.keyboard.press("Escape")
    expect(gradients).to_be_focused()

    page.get_by_role("button", name="Stop").click()
    book.wait_until_done(60)
    assert book.problems == []


def test_a_past_run_shows_the_same_and_one_that_nobody_looked_into_says_how(notebook: Open) -> None:
    book = notebook(
        "past-spread",
        "from akidlab.store import Store\nfrom akidlab.widgets import Dashboard",
        "Hand('past', steps=300, pace=0, tensors=2).train(); Hand('bare', steps=20, pace=0).train()",
        "Dashboard(Store().run('past'))",
        "Dashboard(Store().run('bare'))",
    )
    page = book.page
    book.run_all()
    book.wait_until_done()
    shown = page.locator(".akid-dash")
    expect(shown).to_have_count(2)
    for dashboard in (shown.first, shown.last):
        dashboard.get_by_role("tab", name="Distributions").click()

    expect(shown.first.locator(".akid-bands-card[data-last-step='300']")).to_have_count(6)
    expect(shown.last.locator(".akid-bands [role=status]")).to_contain_text("%%akid_train --watch")
    assert book.problems == []
