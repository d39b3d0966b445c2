"""Branching from a step that is pinned, in a real JupyterLab; and how the child is shown."""

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
from akidlab import *
from akidlab.models.brains import OneLayerBrain
sensor = FeedSensor(DigitsSource(), batch_size=100, seed=3)
mine = Kid(sensor, OneLayerBrain(), MomentumKongFu(0.05), max_steps=120, name="digits", val_log_step=40)
"""
SOURCES = "window.jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.model.sharedModel.source)"


def test_a_step_is_pinned_and_a_child_begins_there(notebook: Open) -> None:
    book = notebook("branches", MAKE, "%akid_train mine", "'the cell below'")
    page = book.page
    book.run_all()
    book.wait_until_done()
    loss = page.locator("[data-chart=loss]")
    expect(loss.locator("canvas").first).to_be_visible()
    expect(page.locator(".akid-branch")).to_have_text("")
    branch = page.get_by_role("button", name="Branch from here")
    expect(branch).to_be_hidden()

    loss.get_by_role("img").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(branch).to_be_disabled()  # nothing was kept so early
    expect(branch).to_have_attribute("title", re.compile("The first one is of step 40.* --keep"))
    page.keyboard.press("Escape")
    expect(branch).to_be_hidden()

    loss.get_by_role("img").focus()
    page.keyboard.press("End")
    page.keyboard.press("PageDown")
    for _ in range(6):
        page.keyboard.press("PageUp")
    page.keyboard.press("Enter")
    expect(loss.locator(".akid-branching")).to_contain_text("from the checkpoint of step 40")
    page.keyboard.press("Tab")
    expect(branch).to_be_focused()
    page.keyboard.press("Enter")
    expect(loss.locator(".akid-branching")).to_contain_text("The cell is below")
    made = "%akid_train mine --from digits@40 --name digits-from-40"
    assert page.evaluate(SOURCES)[3:] == [made, "'the cell below'"]

    page.evaluate(
        "window.jupyterapp.shell.currentWidget.content.activeCellIndex = 3;"
        "window.jupyterapp.commands.execute('notebook:run-cell')"
    )
    child = page.locator(".akid-dash").nth(1)
    expect(child.locator(".akid-branch")).to_have_text("branch of digits at step 40")
    book.wait_until_done()
    canvas = child.locator("[data-chart=loss]").get_by_role("img")
    expect(canvas).to_have_attribute("aria-label", re.compile("Branch of digits at step 40"))
    canvas.focus()
    page.keyboard.press("Home")
    at = child.locator("[data-chart=loss] .akid-at")
    expect(at).to_have_text(re.compile(r"^[01]$"))  # of the parent
    expect(child.locator("[data-chart=loss] .akid-chip-0 .akid-value")).to_have_text(re.compile(r"^2\.\d+$"))
    assert book.problems == []
