"""Each widget at work in a real JupyterLab, and its picture.

`make pictures` runs this and keeps the pictures in `docs/`, where README shows them: the folder that the
environment variable `AKIDLAB_PICTURES` names is written to, if it is set.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lab import Notebook
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.patience import until

pytestmark = [pytest.mark.browser, pytest.mark.ranks]

Open = Callable[..., Notebook]

WIDE, NARROW, HIGH = 1360, 860, 2400  # pixels of the page
LIMIT = 120_000  # bytes of a picture
MIDDLE = 1000  # the step at which the run is looked at

BRAIN = """
%load_ext akidlab
import torch, akidlab
from akidlab import *

def make():
    brain = Brain(name="residual").attach(
        ConvolutionLayer(ksize=5, padding="SAME", out_channel_num=16, name="conv1"),
        ReLULayer(name="relu1"),
        SequentialSystem(name="unit").attach(
            ConvolutionLayer(ksize=3, padding="SAME", out_channel_num=16, name="conv2"),
            ReLULayer(name="relu2"),
            ConvolutionLayer(ksize=3, padding="SAME", out_channel_num=16, name="conv3"),
        ),
        MergeLayer(name="sum", inputs=[{"name": "unit"}, {"name": "relu1"}]),
        PoolingLayer(ksize=2, strides=2, name="pool1"),
        InnerProductLayer(out_channel_num=10, name="ip1"),
        SoftmaxWithLossLayer(
            class_num=10, inputs=[{"name": "ip1"}, {"name": "system_in", "idxs": [1]}], name="loss"
        ),
    )
    return brain

def build(name, lr, **told):
    sensor = FeedSensor(DigitsSource(), batch_size=64, seed=3)
    return Kid(sensor, make(), MomentumKongFu(lr), name=name, val_log_step=50, seed=0, **told)
"""
PAST = """
past = []
for name, lr, drop in (("slow", 0.002, 0), ("plain", 0.01, 0), ("dropout", 0.01, 0.5)):
    kid = build(name, lr, max_steps=300)
    if drop:
        kid.brain.insert_after("pool1", DropoutLayer(keep_prob=drop, name="drop1"))
    kid.practice()
    past.append(kid.run)
"""
LIVE = """\
%%akid_train -np 2 --launcher torch --watch all --metrics sparsity:activations norm:weight_gradients
kid = build("digits", 0.005, max_steps=3000)
kid.hooks.on_epoch_end.append(lambda kid: print(f"epoch {kid.epoch}: loss {kid.loss or 0:.3f}"))
"""
EXPLORE = "Observer(kid).explore()"
GRAPH = "brain = make()\nbrain.setup([torch.zeros(2, 1, 8, 8), torch.zeros(2, dtype=torch.long)])\nbrain"
EDIT = "brain.edit()"
COMPARE = "akidlab.compare(*past)"


class Album:
    """Takes pictures, looks whether something is on them, and keeps them."""

    def __init__(self, folder: Path) -> None:
        kept = os.environ.get("AKIDLAB_PICTURES")
        self.folder = Path(kept) if kept else folder

    def take(self, name: str, shown: Locator, most: float = 700) -> None:
        """Take a picture of what is shown, of `most` pixels down; each canvas must show something, too."""
        expect(shown).to_be_visible()
        page = shown.page
        page.mouse.move(0, 0)
        for canvas in shown.locator("canvas:visible").all()[:4]:
            until(partial(_is_drawn, canvas))
        shown.scroll_into_view_if_needed()
        box = shown.bounding_box()
        assert box is not None
        clip: Any = {
            "x": box["x"] - 6, "y": box["y"] - 6,
            "width": box["width"] + 12, "height": min(box["height"] + 12, most),
        }  # fmt: skip
        picture = _opened(page.screenshot(clip=clip, animations="disabled"))
        assert _colours(picture) > 40, f"`{name}` shows next to nothing"
        path = self.folder / f"{name}.png"
        picture.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
        assert path.stat().st_size <= LIMIT, f"`{name}` is too large"


def _opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def _colours(picture: Image.Image) -> int:
    return len(picture.getcolors(picture.width * picture.height) or [])


def _is_drawn(canvas: Locator) -> bool:
    return _colours(_opened(canvas.screenshot())) > 1


def run(page: Page, cell: int) -> None:
    """Run a cell, without waiting for it."""
    page.evaluate(
        """cell => {
            window.jupyterapp.shell.currentWidget.content.activeCellIndex = cell;
            void window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        cell,
    )


def widen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": HIGH})


def tab(page: Page, name: str) -> Locator:
    """Opens a tab of the dashboard; its panel."""
    dashboard = page.locator(".akid-dash").first
    dashboard.get_by_role("tab", name=re.compile(f"^{name}")).click()
    panel = dashboard.get_by_role("tabpanel", name=name)
    expect(panel).to_be_visible()
    return panel


def drawn(page: Page, selector: str, name: str, least: int) -> None:
    """Until a number that an element carries is large enough."""
    js = "([selector, name, least]) => Number(document.querySelector(selector)?.dataset[name]) >= least"
    page.wait_for_function(js, arg=[selector, name, least])


def dress(page: Page, theme: str) -> None:
    """Change the theme, and wait until it is there."""
    page.evaluate(f"window.jupyterapp.commands.execute('apputils:change-theme', {{theme: '{theme}'}})")
    expect(page.locator(f"body[data-jp-theme-name='{theme}']")).to_be_attached()


def draw(page: Page, pad: Locator) -> None:
    """Draw a seven."""
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    x, y, width, height = box["x"], box["y"], box["width"], box["height"]
    corners = ((0.25, 0.15), (0.75, 0.15), (0.45, 0.9))
    page.mouse.move(x + corners[0][0] * width, y + corners[0][1] * height)
    page.mouse.down()
    for right, down in corners[1:]:
        page.mouse.move(x + right * width, y + down * height, steps=8)
    page.mouse.up()


def test_each_widget_is_seen_at_work(notebook: Open, tmp_path: Path) -> None:
    cells = (BRAIN, PAST, LIVE, EXPLORE, GRAPH, EDIT, COMPARE, "%akid_pool --stop")
    book, album = notebook("gallery", *cells, width=WIDE, scale=1.5), Album(tmp_path)
    book.page.evaluate("window.jupyterapp.shell.collapseLeft()")
    widen(book.page, WIDE)
    for cell in range(4):
        run(book.page, cell)
    see_a_run_on_two_ranks(book, album)
    for cell, see in enumerate((see_a_drawing_explored, see_a_graph, see_the_builder, see_runs_compared), 4):
        run(book.page, cell)
        see(book.page, album)
    run(book.page, 8)
    book.wait_until_done(60)
    assert book.problems == []


def see_a_run_on_two_ranks(book: Notebook, album: Album) -> None:
    """The dashboard in the middle of a run, then each of its tabs while it pauses."""
    page = book.page
    drawn(page, ".akid-dash", "step", MIDDLE // 2)
    for button, text in (("Learning rate", "0.002"), ("Note", "A smaller rate from here on.")):
        if button == "Note":
            page.get_by_role("button", name="Note").click()
        page.get_by_role("textbox", name=button).fill(text)
        page.keyboard.press("Enter")
    page.locator(".akid-tools").get_by_role("button", name="Runs").click()
    page.get_by_role("checkbox", name="plain").check()
    page.keyboard.press("Escape")
    expect(page.locator("[data-chart=loss] .akid-others .akid-chip")).to_have_count(1)
    page.locator(".akid-metrics .akid-fold").click()
    drawn(page, ".akid-dash", "step", MIDDLE)
    album.take("dashboard", page.locator(".akid-dash").first)
    assert book.is_busy
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".akid-badge").first).to_have_text("Paused")

    widen(page, NARROW)
    panel = tab(page, "Distributions")
    drawn(page, ".akid-bands-card", "lastStep", MIDDLE // 2)
    album.take("distributions", panel)
    panel = tab(page, "Filters")
    drawn(page, "[data-picture=conv1] canvas", "step", 1)
    album.take("filters", panel)
    panel = tab(page, "Feature maps")
    drawn(page, "[data-picture=relu1] canvas", "step", 1)
    album.take("feature_maps", panel)
    panel = tab(page, "Graph")
    page.get_by_label("Colour by").select_option("Activations sparsity")
    expect(page.locator(".akid-graph-legend")).to_contain_text(re.compile(r"\d"))
    album.take("graph_live", panel, most=650)
    panel = tab(page, "Ranks")
    expect(page.locator(".akid-people tbody tr")).to_have_count(2)
    album.take("ranks", panel)
    panel = tab(page, "Log")
    expect(panel.locator(".akid-messages")).to_contain_text("A smaller rate from here on.")
    expect(panel.locator(".akid-log")).to_contain_text("loss 0.")
    album.take("log", panel)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".akid-badge").first).to_have_text("Stopped")


def see_a_drawing_explored(page: Page, album: Album) -> None:
    explorer = page.get_by_role("region", name="Explorer of a network")
    about = explorer.locator(".akid-explorer-about")
    expect(about).to_contain_text("Label 0.")
    explorer.get_by_role("button", name="New drawing").click()
    expect(about).to_contain_text("Your drawing.")
    draw(page, explorer.get_by_role("application", name="Drawing pad"))
    expect(about).to_contain_text(re.compile(r"It says \d"))
    album.take("explorer", explorer)


def see_a_graph(page: Page, album: Album) -> None:
    """A brain whose nested system is unfolded, light and dark."""
    graph = page.get_by_role("region", name="Graph of a brain")
    graph.locator("g.akid-node[data-node='unit.conv2']").click()
    expect(graph.locator(".akid-graph-panel")).to_contain_text("16×16×3×3")
    album.take("graph", graph, most=650)
    dress(page, "JupyterLab Dark")
    try:
        album.take("graph_dark", graph, most=650)
    finally:
        dress(page, "JupyterLab Light")


def see_the_builder(page: Page, album: Album) -> None:
    builder = page.get_by_role("region", name="Builder of a brain")
    widen(page, WIDE)
    builder.locator("[data-node='conv1']").click()
    expect(builder.get_by_label("ksize")).to_have_value("5")
    album.take("builder", builder)


def see_runs_compared(page: Page, album: Album) -> None:
    widen(page, NARROW)
    compared = page.get_by_role("region", name="Comparison of runs")
    for name, least in (
        ("What changed", "tr:has-text('drop1')"),
        ("Parallel coordinates", ".akid-parallel .axis-title"),
    ):
        compared.get_by_role("tab", name=name).click()
        expect(compared.locator(least).first).to_be_visible()
        album.take(f"compare_{name.split()[-1].lower()}", compared)
