"""A saved notebook of full dashboards: small, and it reads on a page that runs no JavaScript."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab import Notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FULL = "steps=1000, pace=0.0005, layers=6, ranks=4, tensors=12"
MOST = 500_000  # bytes of a notebook with five of them

Open = Callable[..., Notebook]


def without_javascript(browser: Any, path: Path) -> Any:
    """What `nbconvert --to html` makes of a notebook, in a browser that runs no JavaScript."""
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(path.with_suffix(".html").as_uri())
    return page


def look(book: Notebook, browser: Any, pictures: int) -> None:
    """Save it, and look at all pictures without JavaScript."""
    saved = book.saved()
    outputs = [output for cell in saved["cells"] for output in cell["outputs"]]
    drawn = [output["data"] for output in outputs if "image/svg+xml" in output.get("data", {})]
    for data in drawn:
        svg = "".join(data["image/svg+xml"])
        assert all(f">{said}<" in svg for said in ("loss", "accuracy", "weights/conv1", "activations/relu1"))
        assert ">own step time of ranks, ms<" in svg
    assert len(drawn) == pictures
    assert len(json.dumps(saved)) < MOST

    page = without_javascript(browser, book.path)
    shown = page.locator("img[src^='data:image/svg']")
    expect(shown).to_have_count(pictures)
    for picture in shown.all():
        box = picture.bounding_box()
        assert box is not None
        assert box["height"] > 600
    page.context.close()


def test_five_dashboards_that_were_watched_stay_small_and_read_without_javascript(
    notebook: Open, browser: Any
) -> None:
    book = notebook("five", *(f"Hand('five{i}', {FULL}).watch();" for i in range(5)))
    book.run_all()
    book.wait_until_done()
    expect(book.page.locator("[data-akidlab] .akid-badge")).to_have_count(5)

    look(book, browser, 5)
    assert book.problems == []


def test_five_past_runs_stay_small_and_read_without_javascript(notebook: Open, browser: Any) -> None:
    book = notebook(
        "past-five",
        "from akidlab.store import Store\nfrom akidlab.widgets import Dashboard",
        f"[Hand(f'old{{i}}', {FULL.replace('0.0005', '0')}).train() for i in range(5)];",
        *(f"Dashboard(Store().run('old{i}'))" for i in range(5)),
    )
    book.run_all()
    book.wait_until_done()
    expect(book.page.locator("[data-akidlab] .akid-badge")).to_have_count(5)

    look(book, browser, 5)
    assert book.problems == []


def test_a_dashboard_goes_on_when_its_run_has_ended(
    notebook: Open,
) -> None:
    book = notebook("ended", f"Hand('ended', {FULL}).watch();")
    page = book.page
    book.run_all()
    page.locator(".akid-dash").get_by_role("tab", name="Distributions").click()
    book.wait_until_done()

    expect(page.locator("[data-akidlab] .akid-badge")).to_have_text("Finished")
    expect(page.locator(".akid-bands-card[data-last-step='1000']").first).to_be_visible()
    page.locator(".akid-bands-card").first.click()
    expect(page.locator(".akid-bands-large[data-last-step='1000']")).to_be_visible()
    assert book.problems == []
