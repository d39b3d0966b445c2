"""Graphs drawn at random, against the same arithmetic written out."""

from __future__ import annotations

import pickle

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from akidlab import Block, GraphSystem, InnerProductLayer, MergeLayer, ReLULayer

WIDTH = 3


@st.composite
def graphs(draw):
    """Kinds of blocks, each with the numbers of the values that it reads; 0 is the input."""
    count = draw(st.integers(1, 7))
    kinds = draw(st.lists(st.sampled_from(["ip", "relu", "merge"]), min_size=count, max_size=count))
    graph = []
    for at, kind in enumerate(kinds):
        several = draw(st.integers(1, 3)) if kind == "merge" else 1
        graph.append((kind, draw(st.lists(st.integers(0, at), min_size=several, max_size=several))))
    return graph


def _name(number: int) -> str:
    return "system_in" if number == 0 else f"b{number}"


def _built(graph) -> GraphSystem:
    system = GraphSystem()
    for at, (kind, reads) in enumerate(graph):
        wiring = {"name": _name(at + 1), "inputs": [{"name": _name(n)} for n in reads]}
        made: dict[str, Block] = {
            "ip": InnerProductLayer(out_channel_num=WIDTH, **wiring),
            "relu": ReLULayer(**wiring),
            "merge": MergeLayer(**wiring),
        }
        system.attach(made[kind])
    return system


def _written_out(system: GraphSystem, graph, signal: torch.Tensor) -> torch.Tensor:
    values = [signal]
    for block, (kind, reads) in zip(system, graph, strict=True):
        parts = [values[n] for n in reads]
        if kind == "ip":
            values.append(F.linear(parts[0], block.weight, block.bias))
        else:
            values.append(torch.relu(parts[0]) if kind == "relu" else torch.stack(parts).sum(0))
    return values[-1]


@settings(deadline=None, max_examples=30)
@given(graphs(), st.integers(1, 5))
def test_a_graph_computes_what_its_wiring_says(graph, batch):
    system, signal = _built(graph), torch.randn(batch, WIDTH, requires_grad=True)
    system.setup(signal, seed=0)
    parameters = [signal, *system.get_filters()]

    value, expected = system(signal), _written_out(system, graph, signal)

    torch.testing.assert_close(value, expected)
    if value.requires_grad:
        ours = torch.autograd.grad(value.square().sum(), parameters, allow_unused=True)
        theirs = torch.autograd.grad(expected.square().sum(), parameters, allow_unused=True)
        for one, other in zip(ours, theirs, strict=True):
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                torch.testing.assert_close(one, other)


@settings(deadline=None, max_examples=10)
@given(graphs())
def test_copies_pickles_and_states_compute_the_same(graph):
    signal = torch.randn(2, WIDTH)
    system = _built(graph).setup(signal, seed=0)
    fresh = _built(graph)
    fresh.load_state_dict(system.state_dict())

    for other in (system.get_copy(), system.get_clone(), pickle.loads(pickle.dumps(system)), fresh):
        assert torch.equal(other(signal), system(signal))


@settings(deadline=None, max_examples=10)
@given(graphs(), st.data())
def test_a_pass_in_two_parts_is_a_whole_pass(graph, data):
    signal = torch.randn(2, WIDTH)
    system = _built(graph).setup(signal, seed=0)
    cut = data.draw(st.integers(1, len(graph)))
    whole = system(signal)

    system(signal, end_block=_name(cut))

    again = system(signal, start_block=_name(cut))
    torch.testing.assert_close(again, whole)


@settings(deadline=None, max_examples=10)
@given(graphs())
def test_a_graph_shows_every_block(graph):
    system = _built(graph).setup(torch.randn(2, WIDTH), seed=0)

    assert all(block.name in repr(system) and block.name in system._repr_html_() for block in system)
