"""How blocks show themselves."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import torch

from akidlab import (
    Brain,
    ConvolutionLayer,
    DropoutLayer,
    GraphSystem,
    InnerProductLayer,
    MergeLayer,
    ReLULayer,
    SoftmaxWithLossLayer,
)

IMAGES = torch.zeros(2, 1, 8, 8)


def _brain() -> Brain:
    unit = GraphSystem(name="unit")
    unit.attach(
        ReLULayer(name="relu"), MergeLayer(name="sum", inputs=[{"name": "relu"}, {"name": "system_in"}])
    )
    brain = Brain(name="small")
    brain.attach(
        ConvolutionLayer(3, out_channel_num=2, name="conv", wd={"type": "l2", "scale": 1e-4}),
        unit,
        InnerProductLayer(out_channel_num=3, name="ip"),
        SoftmaxWithLossLayer(3, name="loss", inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}]),
    )
    return brain


def test_a_brain_shows_shapes_parameters_and_wiring():
    shown = repr(_brain().setup([IMAGES, torch.tensor([0, 1])], seed=0))

    assert shown.split("\n") == [
        "small: Brain, 4 blocks, 407 parameters",
        "  conv    ConvolutionLayer(1 → 2, 3×3 SAME)  ← system_in         N×2×8×8  20 parameters",
        "  unit    GraphSystem(2 blocks)              ← conv              N×2×8×8",
        "    relu  ReLULayer()                        ← system_in         N×2×8×8",
        "    sum   MergeLayer()                       ← relu, system_in   N×2×8×8",
        "  ip      InnerProductLayer(128 → 3)         ← unit              N×3      387 parameters",
        "  loss    SoftmaxWithLossLayer(3 classes)    ← ip, system_in[1]  scalar",
    ]


def test_a_brain_that_is_not_set_up_says_so():
    assert repr(_brain()).startswith("small: Brain, 4 blocks, not set up\n")
    assert "ConvolutionLayer(? → 2, 3×3 SAME)" in repr(_brain())


def test_a_layer_is_told_in_one_line():
    assert repr(DropoutLayer(keep_prob=0.8)) == "dropout: DropoutLayer(keeps 0.8), not set up"


def test_a_feedback_is_marked():
    system = GraphSystem()
    system.attach(MergeLayer(name="sum", inputs=[{"name": "system_in"}, {"name": "sum"}]))

    assert "← system_in, sum (one step ago)" in repr(system)


class _Balanced(HTMLParser):
    VOID = ("br", "meta")

    def __init__(self, text):
        super().__init__()
        self.open, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_the_tree_is_sound_and_folds():
    shown = _brain().setup(IMAGES, seed=0)._repr_html_()

    page = _Balanced(shown)
    assert page.open == []
    assert {"small", "conv", "relu", "N×2×8×8", "387", "l2 × 0.0001"} <= set(page.texts)
    assert shown.count("<details") == 4  # the brain, the unit, two layers with parameters


def test_the_tree_runs_no_scripts_and_fetches_nothing():
    shown = _brain().setup(IMAGES, seed=0)._repr_html_()

    assert not re.search(r"<script|http|src=|url\(", shown)


def test_the_tree_takes_the_colours_of_the_page():
    colours = re.findall(r"(?<![-\w])(?:color|background): ([^;]+);", _brain()._repr_html_())

    assert set(colours) <= {"inherit", "none", "none !important"}


def test_names_cannot_break_the_page():
    brain = Brain(name="<b>bad</b>")
    brain.attach(ReLULayer(name="a<script>"))

    assert "<script>" not in brain._repr_html_()


def test_one_parameter_is_told_as_one():
    layer = InnerProductLayer(out_channel_num=1, initial_bias_value=None, name="ip")
    brain = Brain(name="tiny").attach(layer).setup(torch.zeros(2, 1), seed=0)

    assert repr(layer).endswith(", 1 parameter")
    assert "1 parameters" not in repr(brain) + brain._repr_html_()


def test_an_empty_system_shows_itself():
    brain = Brain(name="mine")

    assert repr(brain) == "mine: Brain, 0 blocks, not set up"
    assert "mine" in brain._repr_html_()
