"""Building a brain with mouse and keyboard, in a real JupyterLab."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from lab import Notebook
from playwright.sync_api import Page, expect

from tests.patience import until

pytestmark = pytest.mark.browser

Open = Callable[..., Notebook]

OPEN = "from akidlab import *\nbrain = Brain(name='mine')\nbrain.edit((1, 8, 8), ())"
LEARN = (
    "kid = Kid(FeedSensor(DigitsSource(), batch_size=32), brain, MomentumKongFu(), max_steps=3)\n"
    "kid.practice()\nprint('learned', kid.step, *(b.name for b in brain))"
)


def _picture(book: Notebook) -> dict[str, str]:
    """What is saved of the builder."""
    (bundle,) = [output["data"] for output in book.saved()["cells"][1]["outputs"]]
    return bundle


def _begin(book: Notebook, cells: int) -> Page:
    """Run the first cells, and wait for the builder."""
    for _ in range(cells):
        book.page.evaluate("window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")
    expect(book.page.locator(".akid-builder .akid-kind").first).to_be_visible()
    return book.page


def _status(page: Page, text: str) -> None:
    expect(page.locator(".akid-builder-status")).to_have_text(re.compile(text))


def _add(page: Page, words: str, *texts: str) -> None:
    """Find a kind by its name, add it by Enter, and type what it needs, field by field."""
    search = page.get_by_label("Find a kind of block")
    search.fill(words)
    search.press("Enter")
    for text in texts:
        wanted = page.locator(".akid-form input:focus")
        expect(wanted).to_have_value("")
        wanted.press_sequentially(text)
        wanted.press("Enter")


def test_lenet_is_built_from_nothing_and_learns(notebook: Open) -> None:
    book = notebook("builds", OPEN, LEARN)
    page = _begin(book, 2)

    page.get_by_label("Find a kind of block").fill("conv2d")
    page.locator('.akid-kind[data-kind="ConvolutionLayer"]').click()  # by mouse
    _status(page, "Not right yet: conv1")
    expect(page.locator('[data-node="conv1"].akid-wrong')).to_be_visible()
    page.get_by_label("ksize").fill("5")
    page.get_by_label("out_channel_num").fill("8")
    page.get_by_label("out_channel_num").press("Enter")
    _status(page, "It fits: set out_channel_num=8")
    for words, texts, name in (
        ("relu", (), "relu1"), ("poolinglayer", ("2", "2"), "pool1"), ("conv2d", ("3", "16"), "conv2"),
        ("relu", (), "relu2"), ("innerproduct", ("32",), "ip1"), ("relu", (), "relu3"),
        ("innerproduct", ("10",), "ip2"), ("softmaxwithloss", (), "loss1"),
    ):  # fmt: skip
        _add(page, words, *texts)
        expect(page.locator(f'[data-node="{name}"].akid-chosen')).to_be_visible()
        _status(page, "It fits")

    expect(page.locator('.akid-edge[data-source="system_in"][data-target="loss1"]')).to_have_count(1)
    expect(page.locator(".akid-edge text").first).to_have_text(re.compile("8×8"))
    page.get_by_role("button", name="New cell").click()
    expect(page.locator(".jp-Cell")).to_have_count(4)
    made = page.evaluate("window.jupyterapp.shell.currentWidget.content.widgets[2].model.sharedModel.source")
    assert "class Mine(Brain):" in made
    page.evaluate(
        "window.jupyterapp.shell.currentWidget.content.activeCellIndex = 3;"
        "window.jupyterapp.commands.execute('notebook:run-cell')"
    )
    expect(page.locator(".jp-OutputArea-output", has_text="learned 3 conv1 relu1 pool1")).to_be_visible()
    assert book.problems == []


def test_wires_and_undo_by_keyboard_and_mouse(notebook: Open) -> None:
    book = notebook("wires", OPEN.replace("(1, 8, 8), ()", "(4,)"))
    page = _begin(book, 2)
    for words, texts in (("innerproduct", ("4",)), ("relu", ()), ("tanh", ()), ("mergelayer", ())):
        _add(page, words, *texts)
        _status(page, "It fits")

    page.locator('[data-node="relu1"]').click()
    page.keyboard.press("c")
    target = page.get_by_label("The block that is to read it")
    expect(target).to_be_focused()
    target.press_sequentially("merge1")
    target.press("Enter")
    expect(page.locator('.akid-edge[data-source="relu1"][data-target="merge1"]')).to_have_count(1)

    page.locator('[data-node="ip1"] .akid-port').hover()
    page.mouse.down()
    page.locator('[data-node="merge1"]').hover(force=True)  # the wire that is being pulled lies over it
    page.mouse.up()
    wire = page.locator('.akid-edge[data-source="ip1"][data-target="merge1"]')
    expect(wire).to_have_count(1)

    page.locator('[data-node="merge1"]').focus()
    page.keyboard.press("Control+z")
    expect(wire).to_have_count(0)
    page.keyboard.press("Control+Shift+Z")
    expect(wire).to_have_count(1)
    page.locator('[data-node="tanh1"]').click()
    page.keyboard.press("F2")
    name = page.get_by_label("Name of the block")
    expect(name).to_be_focused()
    name.fill("bend")
    name.press("Enter")
    expect(page.locator('[data-node="bend"]')).to_be_focused()  # keys go on where it is
    page.keyboard.press("Control+z")
    page.locator('[data-node="tanh1"]').click()
    page.keyboard.press("Delete")
    expect(page.locator('[data-node="tanh1"]')).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator('[data-node="tanh1"]')).to_be_visible()
    assert book.problems == []


def test_cells_and_picture_are_one(notebook: Open) -> None:
    book = notebook(
        "one", OPEN, "_ = brain.attach(DropoutLayer(0.5, name='drop'))", "brain['drop'].keep_prob"
    )
    page = _begin(book, 2)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")

    page.locator('[data-node="drop"]').click()
    expect(page.locator(".akid-builder-code code")).to_contain_text('DropoutLayer(name="drop")')
    field = page.get_by_label("keep_prob")
    field.fill("7")
    expect(page.locator(".akid-field-error:visible")).to_contain_text("above 0 and at most 1")
    field.press("Enter")
    _status(page, "Not right yet: drop")
    field.fill("0.25")
    field.press("Enter")
    _status(page, "It fits")

    page.evaluate(
        "window.jupyterapp.shell.currentWidget.content.activeCellIndex = 3;"
        "window.jupyterapp.commands.execute('notebook:run-cell')"
    )
    expect(page.locator(".jp-OutputArea-output", has_text="0.25").last).to_be_visible()
    until(lambda: "drop" in str(_picture(book)["text/plain"]))
    assert "<svg" in str(_picture(book)["image/svg+xml"])
    assert book.problems == []
