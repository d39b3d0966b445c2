"""The view of a graph: a picture for ever, and a kernel that is asked while it lives."""

from __future__ import annotations

import gc

import pytest
import torch

from akidlab import Brain, InnerProductLayer, ReLULayer
from akidlab.widgets.graph import GraphView
from akidlab.widgets.place import place


@pytest.fixture
def brain() -> Brain:
    brain = Brain(name="small").attach(
        InnerProductLayer(out_channel_num=3, name="ip"), ReLULayer(name="relu")
    )
    brain(torch.ones(2, 4))
    return brain


def test_the_picture_is_drawn_and_has_the_table_below(brain):
    view = GraphView(brain)
    picture = view.picture()

    assert picture["text/plain"] == repr(brain)
    shown = place("key", picture)
    assert shown.index("data:image/svg+xml") < shown.index("akidlab-block")
    assert len(shown) < 12_000


def test_a_large_graph_is_not_saved_as_a_picture():
    brain = Brain().attach(*(ReLULayer() for _ in range(70)))

    assert "image/svg+xml" not in GraphView(brain).picture()


def test_the_browser_is_told_the_brain_as_it_is_now(brain):
    view = GraphView(brain)
    brain.attach(ReLULayer(name="more"))

    told = view.ask("graph", {}).content
    assert [node["id"] for node in told["graph"]["nodes"]] == ["system_in", "ip", "relu", "more"]
    assert "time per block" in told["measures"]
    assert view.ask("values", {"by": "activation sparsity"}).content["values"].keys() == {"ip", "relu"}
    assert view.ask("block", {"id": "ip"}).content["parameters"][0]["shape"] == [3, 4]


@pytest.mark.parametrize(
    ("question", "asked"), [("block", {"id": "ipp"}), ("values", {"by": "beauty"}), ("else", {})]
)
def test_what_makes_no_sense_is_told(brain, question, asked):
    with pytest.raises(ValueError, match=r"There is no|Nobody answers"):
        GraphView(brain).ask(question, asked)


def test_a_view_does_not_keep_a_brain_alive(brain):
    view = GraphView(brain.get_clone())
    gc.collect()

    assert view.ask("graph", {}).content["graph"]["name"] == "small"
    assert view.ask("graph", {}).content["measures"] == []
    with pytest.raises(ValueError, match="The brain is gone"):
        view.ask("block", {"id": "ip"})


def test_outside_of_a_live_notebook_a_brain_is_words_and_a_table(brain):
    assert brain._repr_mimebundle_() == {}
    assert brain.graph()._repr_mimebundle_() == {}
