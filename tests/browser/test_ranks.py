"""The tab of the ranks in a real JupyterLab: who they are and how, what they wrote, their timeline."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lab import Notebook
from playwright.sync_api import expect
from test_dashboard import LONG, show, stop, wait_for_points

pytestmark = pytest.mark.browser

Open = Callable[..., Notebook]
PAST = "from akidlab.widgets import Dashboard\nDashboard(hand.run)"


def test_a_run_without_ranks_has_no_such_tab(notebook: Open) -> None:
    book = notebook("alone", f"Hand('alone', steps={LONG}).watch();")
    book.run_all()
    wait_for_points(book.page, 20)

    expect(book.page.get_by_role("tab", name="Log")).to_be_visible()
    expect(book.page.get_by_role("tab", name="Ranks")).to_be_hidden()
    stop(book)
    assert book.problems == []


def test_ranks_are_seen_while_they_train(notebook: Open) -> None:
    book = notebook("ranks", f"hand = Hand('ranks', steps={LONG}, ranks=3)\nhand.watch();")
    page = book.page
    book.run_all()
    expect(page.get_by_role("tab", name="Ranks (rank 2 lags ×12)")).to_be_visible()

    show(page, "Ranks")
    expect(page.locator(".akid-summary")).to_have_text("⚠ rank 2 lags ×12")
    rows = page.locator(".akid-people tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(2)).to_contain_text("⚠ lags ×12")
    expect(rows.nth(2)).to_contain_text("62.0 ms")
    expect(rows.nth(0)).to_contain_text("92 %")  # of a step of 62.4 ms it waits 57.4
    expect(rows.nth(0).locator("code")).to_have_text("a1b2c3d4")
    expect(page.locator(".akid-warned").first).to_have_attribute(
        "title", "Rank 2 lags: its own work takes 62 ms."
    )
    expect(page.locator("[data-chart='ranks/own_ms'] .akid-legend .akid-chip")).to_have_text(
        ["rank 0", "rank 1", "rank 2"]
    )
    expect(page.locator("[data-chart='ranks/own_ms'] canvas")).to_be_visible()
    expect(page.locator(".akid-metrics")).to_be_hidden()  # they are no metrics

    page.get_by_role("button", name="Own step time, ms as a table").click()
    expect(page.locator("[data-chart='ranks/own_ms'] thead")).to_have_text("Steprank 0rank 1rank 2")
    page.get_by_role("button", name="Own step time, ms as a table").click()

    page.get_by_role("button", name="Timeline", exact=True).click()
    expect(page.locator(".akid-lanes rect")).to_have_count(3 * 50 * 2)

    show(page, "Log")
    page.get_by_label("Lines of which rank").select_option("2")
    page.get_by_label("Which lines").select_option("errors")
    expect(page.locator(".akid-log .akid-text")).to_have_text(["beware"])
    page.get_by_label("Which lines").select_option("output")
    expect(page.locator(".akid-log .akid-text").first).to_have_text("rank 2 made 20 steps")
    expect(page.locator(".akid-log .akid-text", has_text="rank 1")).to_have_count(0)

    assert book.is_busy
    stop(book)
    assert book.problems == []


def test_ranks_of_a_past_run_are_seen_too(notebook: Open) -> None:
    hand = "hand = Hand('were', steps=120, pace=0.001, ranks=2)\nhand.send(Command('timeline', 50))"
    book = notebook("were", f"from akidlab.messages import Command\n{hand}\nhand.train()", PAST)
    page = book.page
    book.run_all()
    book.wait_until_done()
    wait_for_points(page, 20)
    show(page, "Ranks")

    expect(page.locator(".akid-people tbody tr")).to_have_count(2)
    expect(page.get_by_role("button", name="Timeline", exact=True)).to_be_hidden()  # there is nobody to ask
    page.get_by_label("Timelines that were recorded").select_option(index=1)
    expect(page.locator(".akid-lanes rect")).to_have_count(2 * 50 * 2)
    page.get_by_role("button", name="The timeline as a table").click()
    expect(page.get_by_role("region", name="The timeline as a table").locator("tbody tr")).to_have_count(50)

    with page.expect_download() as saved:
        page.get_by_title("Save the trace").click()
    assert saved.value.suggested_filename == "timeline-0.json"

    show(page, "Log")
    expect(page.locator(".akid-log .akid-text").last).to_have_text("rank 1 made 120 steps")
    page.get_by_label("Lines of which rank").select_option("0")
    expect(page.locator(".akid-log .akid-text")).to_have_count(6)
    assert book.problems == []
