"""Filters and feature maps in a real JupyterLab: live, in the past, and of what one draws."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lab import Notebook
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

Open = Callable[..., Notebook]

KID = """
from akidlab import Dashboard, DigitsSource, FeedSensor, Kid, MomentumKongFu, Observer
from akidlab.models.brains import OneLayerBrain
kid = Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(), max_steps={steps}, name={name!r})
kid.val_log_step = 10**7
"""
LONG = 10**7  # steps of a training that goes on until the test stops it


def kid(name: str, steps: int) -> str:
    return KID.format(name=name, steps=steps)


def show(page: Page, tab: str) -> None:
    page.locator(".akid-dash").get_by_role("tab", name=tab).click()
    expect(page.get_by_role("tabpanel", name=tab)).to_be_visible()


def canvas_of(page: Page, block: str) -> Locator:
    return page.locator(f"[data-picture={block}] canvas")


def later_than(page: Page, block: str, step: int) -> int:
    """The step of a picture, once it is a later one."""
    js = "([block, step]) => document.querySelector(`[data-picture=${block}] canvas`)?.dataset.step > step"
    page.wait_for_function(js, arg=[block, step])  # a text that is compared with a number is one
    return int(canvas_of(page, block).get_attribute("data-step") or 0)


def test_filters_and_maps_move_while_the_cell_trains_and_go_back_in_time(notebook: Open) -> None:
    book = notebook("pictures", "%load_ext akidlab\n" + kid("pictures", LONG), "%akid_train kid")
    page = book.page
    book.run_all()
    show(page, "Filters")
    first = later_than(page, "conv1", 0)
    drawn = canvas_of(page, "conv1").screenshot()
    later_than(page, "conv1", first)
    assert book.is_busy
    assert canvas_of(page, "conv1").screenshot() != drawn

    page.get_by_role("slider", name="Step of training").press("Home")
    expect(canvas_of(page, "conv1")).to_have_attribute("data-step", "1")
    page.get_by_role("button", name="Newest").click()
    later_than(page, "conv1", first)

    show(page, "Feature maps")
    later_than(page, "relu1", 1)
    expect(page.locator("[data-picture=relu1]")).to_contain_text("32 maps, 8×8")
    page.get_by_role("button", name="Stop").click()
    book.wait_until_done(60)
    assert book.problems == []


def test_a_picture_is_looked_at_closely_with_mouse_and_keyboard(notebook: Open) -> None:
    book = notebook("closely", kid("closely", 30) + "kid.practice();", "Dashboard(kid.run)")
    page = book.page
    book.run_all()
    show(page, "Filters")
    expect(page.locator("[data-picture=conv1]")).to_contain_text("32 filters, 5×5")

    page.get_by_label("Layout of the filters").select_option("inverse")
    expect(canvas_of(page, "conv1")).to_have_attribute("height", str(4 * 6 - 1))
    page.get_by_label("How many").fill("")
    page.get_by_label("How many").press("2")  # a number, not the second tab
    expect(canvas_of(page, "conv1")).to_have_attribute("height", str(2 * 6 - 1))
    page.get_by_label("Show only blocks whose names hold this").fill("ip")
    expect(page.locator("[data-picture=conv1]")).to_be_hidden()
    page.get_by_label("Show only blocks whose names hold this").fill("")

    page.get_by_role("button", name="Show conv1 large").press("Enter")
    large = page.get_by_role("region", name="conv1, large")
    expect(large).to_be_visible()
    large.locator("canvas").focus()
    large.locator("canvas").press("ArrowRight")
    expect(large.get_by_role("status")).to_contain_text("filter 0, row 0, column 0: ")
    large.locator("canvas").hover(position={"x": 3, "y": 3})
    expect(large.get_by_role("status")).to_contain_text("filter 0")
    large.locator("canvas").press("Escape")
    expect(page.get_by_role("button", name="Show conv1 large")).to_be_focused()
    assert book.problems == []


def test_a_sample_is_chosen_or_drawn_and_goes_through_the_network(notebook: Open) -> None:
    book = notebook("explore", kid("explore", 300) + "kid.practice();", "Observer(kid).explore()")
    page = book.page
    book.run_all()
    explorer = page.get_by_role("region", name="Explorer of a network")
    about = explorer.locator(".akid-explorer-about")
    expect(about).to_contain_text("Label 0. It says 0. Step 300.")
    expect(explorer.locator("[data-picture=conv1] canvas")).to_be_visible()

    explorer.get_by_role("button", name="The next sample").click()
    expect(about).to_contain_text("Label 8.")
    explorer.get_by_role("button", name="Class 3").click()
    expect(about).to_contain_text("Red matters most for 3.")

    explorer.get_by_role("button", name="New drawing").click()
    expect(about).to_contain_text("Your drawing.")
    pad = explorer.get_by_role("application", name="Drawing pad")
    before = explorer.locator("[data-picture=conv1] canvas").screenshot()
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 120, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 220, steps=4)
    page.mouse.up()
    expect(about).to_contain_text("Your drawing. It says")
    drawn = explorer.locator("[data-picture=conv1] canvas")
    page.wait_for_function("() => !document.querySelector('.akid-pad-over').hidden")
    assert drawn.screenshot() != before

    pad.focus()
    says = page.locator(".akid-pad canvas").first.screenshot()
    for key in ("Delete", "ArrowUp", "ArrowUp", " ", "Shift+ArrowRight", "Shift+ArrowRight"):
        pad.press(key)
    expect(about).to_contain_text("Your drawing.")
    assert page.locator(".akid-pad canvas").first.screenshot() != says
    assert book.problems == []


def test_a_network_is_explored_while_it_trains_in_the_background(notebook: Open) -> None:
    book = notebook(
        "exploring", "%load_ext akidlab\n" + kid("exploring", LONG), "%akid_train kid --background",
        "Observer(kid).explore()",
    )  # fmt: skip
    page = book.page
    book.run_all()
    about = page.locator(".akid-explorer-about")
    expect(about).to_contain_text("still training")
    step = int(about.get_attribute("data-step") or 0)
    page.wait_for_function(
        "step => Number(document.querySelector('.akid-explorer-about').dataset.step) > step", arg=step
    )
    page.get_by_role("button", name="Stop").click()
    expect(about).not_to_contain_text("still training")
    assert book.problems == []
