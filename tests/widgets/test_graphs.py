"""What a browser is told of the graph of a run."""

from __future__ import annotations

import numpy as np
import pytest

from akidlab.messages import Event, Graph, Message, Node, Percentiles
from akidlab.store import Recorder, Run, Store
from akidlab.widgets.questions import answer

SMALL = Graph("small", "Brain", [Node("relu", "relu", "ReLULayer", "block")], [])
LARGE = Graph("large", "Brain", [*SMALL.nodes, Node("tanh", "tanh", "TanhLayer", "block")], [])


@pytest.fixture
def run() -> Run:
    run = Store().create("digits")
    with Recorder(run) as recorder:
        recorder.hear(Message("event", Event("graph", {"graph": SMALL.json}), step=0))
        recorder.hear(Message("event", Event("graph", {"graph": LARGE.json}), step=5))
        values = np.array([[-9, -2, -1, -0.5, 0, 0.5, 1, 2, 9], [np.nan] * 9], np.float32)
        tags = ["weight_gradients/unit/ip", "weight_gradients/ip2"]
        for step in (1, 6):
            data = Percentiles(tags, values * step, np.array([10, 10]))
            recorder.hear(Message("percentiles", data, step=step))
    return run


def test_the_graph_is_sent_once(run):
    first = answer(run, "graph", {}).content
    again = answer(run, "graph", {"known": first["version"]}).content

    assert first["graph"] == LARGE.json
    assert again == {**first, "graph": None}
    assert answer(run, "graph", {"step": 4}).content["graph"] == SMALL.json


def test_the_spread_of_each_block_is_that_of_the_last_look(run):
    assert answer(run, "graph", {"spread": "weight_gradients"}).content["values"] == {
        "unit/ip": 6.0,
        "ip2": None,
    }


def test_a_run_that_did_not_begin_has_no_graph():
    assert answer(Store().create("new"), "graph", {}).content["graph"] is None


@pytest.mark.parametrize("asked", [{"step": "one"}, {"step": 10**30}, {"spread": 3}])
def test_what_makes_no_sense_is_told(run, asked):
    with pytest.raises(ValueError, match="found"):
        answer(run, "graph", asked)
