"""The graph of a system is its wiring, and its shapes are those of a pass."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given, settings

from akidlab import (
    Brain,
    GraphSystem,
    InnerProductLayer,
    MergeLayer,
    ReLULayer,
    SequentialSystem,
    SoftmaxWithLossLayer,
)
from akidlab.errors import UnknownNameError
from akidlab.messages import Edge, Graph
from akidlab.models import get_model
from tests.blocks.naive import Twice, signals, systems

ZOO = [
    ("LeNet", (1, 28, 28)),
    ("CifarResNet", (3, 32, 32)),
    ("ResNet18", (3, 64, 64)),
    ("DenseNet", (3, 32, 32)),
]


def _agrees(system: GraphSystem) -> None:
    """What must hold for each graph; `system` has made a pass."""
    graph = system.graph()
    nodes = {node.id: node for node in graph.nodes}

    assert len(nodes) == len(graph.nodes)
    assert graph.parameters == sum(p.numel() for p in system.parameters())
    for edge in graph.edges:
        source, target = nodes[edge.source], nodes[edge.target]
        assert source.parent == target.parent
        assert source.shape is not None
        assert source.shape[edge.output] == edge.shape
    for node in graph.nodes:
        assert node.parent is None or nodes[node.parent].role == "system"
        if node.role != "input":
            block = system.get_layer_by_name(node.id)
            assert node.shape == [_sizes(part) for part in block.outputs]
            parts = [edge.part for edge in graph.edges if edge.target == node.id]
            assert parts == list(range(len(parts)))
    assert Graph.of(json.loads(json.dumps(graph.json))) == graph


def _sizes(tensor: torch.Tensor) -> tuple[int | None, ...]:
    return (None, *tensor.shape[1:]) if tensor.dim() else ()


@settings(deadline=None, max_examples=60)
@given(systems())
def test_the_graph_of_a_system_agrees_with_its_pass(system):
    before = system.graph()
    signal = signals(1, 2)[0]
    system.setup(signal, seed=0)
    system(signal)

    _agrees(system)
    after = system.graph()
    assert [node.id for node in before.nodes] == [node.id for node in after.nodes]
    assert {(e.source, e.target, e.delay) for e in before.edges} == {
        (e.source, e.target, e.delay) for e in after.edges
    }


@pytest.mark.parametrize(("name", "size"), ZOO)
def test_the_graph_of_a_model_agrees_with_its_pass(name, size):
    brain = get_model(name)
    assert all(node.shape is None for node in brain.graph().nodes)

    brain([torch.zeros(2, *size), torch.zeros(2, dtype=torch.long)])

    _agrees(brain)


def test_a_feedback_is_an_edge_with_a_delay():
    system = GraphSystem().attach(
        MergeLayer(name="sum", inputs=[{"name": "system_in"}, {"name": "relu"}]),
        ReLULayer(name="relu"),
    )

    assert [(e.source, e.delay, e.part) for e in system.graph().edges if e.target == "sum"] == [
        ("system_in", 0, 0),
        ("relu", 1, 1),
    ]


def test_each_tensor_of_a_list_has_an_edge_of_its_own():
    system = SequentialSystem().attach(Twice(name="twice"), MergeLayer(name="sum"))
    system.setup(torch.ones(2, 3))

    shape = (None, 3)
    assert system.graph().edges == [
        Edge("system_in", "twice", 0, shape),
        Edge("twice", "sum", 0, shape, part=0),
        Edge("twice", "sum", 1, shape, part=1),
    ]


def test_a_constant_is_a_node_of_its_own():
    system = GraphSystem().attach(
        ReLULayer(name="relu"), MergeLayer(name="sum", inputs=[{"name": "relu"}, torch.ones(1, 3)])
    )

    graph = system.graph()

    assert graph.node("sum._constant1").shape == [(1, 3)]
    assert graph.edges[-1] == Edge("sum._constant1", "sum", shape=(1, 3), part=1)


def test_parameters_that_are_shared_count_once_and_are_said_to_be_tied():
    first = InnerProductLayer(out_channel_num=3, name="first").setup(torch.ones(2, 3))
    system = GraphSystem().attach(first, first.get_copy(name="second"))

    graph = system.graph()

    assert (graph.parameters, graph.node("second").parameters, graph.node("second").tied) == (12, 0, "first")


def test_blocks_that_judge_and_what_is_frozen_are_told():
    brain = Brain().attach(
        GraphSystem(name="head").attach(InnerProductLayer(out_channel_num=2, name="ip")),
        SoftmaxWithLossLayer(name="loss", inputs=[{"name": "head"}, {"name": "system_in", "idxs": [1]}]),
    )
    brain([torch.ones(2, 3), torch.zeros(2, dtype=torch.long)])
    brain["head.ip"].bias.requires_grad = False

    graph = brain.graph()

    assert [(n.id, n.role, n.parameters, n.trainable) for n in graph.nodes] == [
        ("system_in", "input", 0, 0),
        ("head", "system", 8, 6),
        ("head.system_in", "input", 0, 0),
        ("head.ip", "block", 8, 6),
        ("loss", "loss", 0, 0),
    ]
    assert repr(graph) == "<Graph of brain: 3 nodes, 4 edges, 8 parameters>"
    with pytest.raises(UnknownNameError, match=r"head\.ip"):
        graph.node("head.ipp")
