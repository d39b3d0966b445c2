"""The graph in a real JupyterLab: walked through by mouse and keys, coloured live, a picture in the end."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from lab import Notebook
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

Open = Callable[..., Notebook]

BRAIN = """
import torch
from akidlab import *

brain = Brain(name="nested").attach(
    InnerProductLayer(out_channel_num=16, name="ip1"),
    SequentialSystem(name="unit").attach(
        ReLULayer(name="relu"), InnerProductLayer(out_channel_num=12, name="ip2")
    ),
    MergeLayer(name="sum", inputs=[{"name": "unit"}, {"name": "last"}]),
    InnerProductLayer(out_channel_num=12, name="last"),
    InnerProductLayer(out_channel_num=10, name="ip3"),
    SoftmaxWithLossLayer(
        class_num=10, name="loss", inputs=[{"name": "ip3"}, {"name": "system_in", "idxs": [1]}]
    ),
)
"""
SETUP = "brain.setup([torch.zeros(2, 1, 8, 8), torch.zeros(2, dtype=torch.long)])\nbrain"
TRAIN = """%%akid_train --metrics sparsity:activations norm:weight_gradients --every 5
sensor = FeedSensor(DigitsSource(), batch_size=100, seed=3)
kid = Kid(sensor, brain, MomentumKongFu(lr=0.001), max_steps=1_000_000)"""


def block(page: Page, id: str) -> Locator:
    return page.locator(f"g.akid-node[data-node='{id}']")


def panel(page: Page) -> Locator:
    return page.locator(".akid-graph-panel")


def focused(page: Page, id: str) -> None:
    expect(block(page, id)).to_be_focused()


def test_a_brain_is_walked_through_by_mouse_and_keyboard(notebook: Open) -> None:
    book = notebook("walk", BRAIN, SETUP)
    page = book.page
    book.run_all()
    expect(block(page, "unit.relu")).to_be_visible()
    assert page.locator(".akid-edge-back").count() == 1

    block(page, "ip1").click()
    expect(panel(page).locator("h3")).to_have_text("ip1")
    expect(panel(page)).to_contain_text("16×64")  # the shape of its weight, which the kernel told
    focused(page, "ip1")
    page.keyboard.press("ArrowDown")
    focused(page, "unit")
    page.keyboard.press("Enter")
    expect(block(page, "unit.relu")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(block(page, "unit.relu")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    focused(page, "unit.relu")
    expect(panel(page).locator("h3")).to_have_text("relu")

    page.keyboard.press("/")
    expect(page.get_by_label("Find a block by its name or class")).to_be_focused()
    page.keyboard.type("ip2")
    expect(page.locator(".akid-graph-found")).to_have_text("1 found")
    page.keyboard.press("Enter")
    expect(panel(page).locator("h3")).to_have_text("ip2")

    page.get_by_label("Colour by").select_option("time per block")
    expect(page.locator(".akid-graph-legend")).to_contain_text("ms")
    page.locator(".akid-graph-stage").scroll_into_view_if_needed()
    before = page.locator(".akid-graph-stage svg > g").get_attribute("transform")
    box = page.locator(".akid-graph-stage").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 60, steps=3)
    page.mouse.up()
    assert page.locator(".akid-graph-stage svg > g").get_attribute("transform") != before
    expect(panel(page).locator("h3")).to_have_text("ip2")  # what ends a drag is no click

    saved = json.dumps(book.saved())
    assert "data:image/svg+xml;base64" in saved
    assert len(saved) < 40_000
    book.shut_down()
    page.reload()
    expect(page.locator("[data-akidlab] img")).to_be_visible()
    expect(page.locator(".akid-graph")).to_have_count(0)
    assert book.problems == []


def test_the_tab_of_a_live_run_shows_the_block_that_is_clicked_and_colours_it(notebook: Open) -> None:
    book = notebook("colours", f"%load_ext akidlab\n{BRAIN}", TRAIN, width=900)
    page = book.page
    book.run_all()
    page.get_by_role("tab", name="Graph").click()
    block(page, "unit.relu").click()
    expect(panel(page).locator("h3")).to_have_text("relu")
    expect(panel(page)).to_contain_text("ReLULayer")

    page.get_by_label("Colour by").select_option("Activations sparsity")
    expect(panel(page)).to_contain_text("Activations sparsity 0.")
    block(page, "ip3").click()
    page.get_by_label("Colour by").select_option("Weight gradients norm2")
    expect(panel(page)).to_contain_text("Weight gradients norm2")
    said = panel(page).inner_text()
    expect(panel(page)).not_to_have_text(said, use_inner_text=True)  # it moves while the run does
    assert book.is_busy

    page.get_by_role("button", name="Time", exact=True).click()
    expect(page.get_by_label("Colour by")).to_have_value("Time per block ms")
    expect(panel(page)).to_contain_text("Time per block ms 0.")
    page.get_by_role("button", name="Stop").click()
    book.wait_until_done(60)
    assert book.problems == []
