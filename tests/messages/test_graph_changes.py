"""What differs between two block graphs."""

from __future__ import annotations

from dataclasses import replace

from akidlab.messages.graph import Edge, Graph, Node
from akidlab.messages.graph_changes import graph_changes

X = Node("system_in", "system_in", "Input", "input")
CONV = Node("conv1", "conv1", "ConvolutionLayer", "block", parameters=80, details="out=8", shape=[(None, 8)])
RELU = Node("relu1", "relu1", "ReLULayer", "block", shape=[(None, 8)])
GRAPH = Graph("net", "Brain", [X, CONV, RELU], [Edge("system_in", "conv1"), Edge("conv1", "relu1")])


def with_nodes(*nodes: Node, edges: list[Edge] | None = None) -> Graph:
    return replace(GRAPH, nodes=list(nodes), edges=GRAPH.edges if edges is None else edges)


def test_a_graph_does_not_differ_from_itself() -> None:
    assert not graph_changes(GRAPH, GRAPH)


def test_what_was_added_and_removed_is_named() -> None:
    tanh = Node("tanh1", "tanh1", "TanhLayer", "block")
    edges = [GRAPH.edges[0], Edge("conv1", "tanh1")]

    assert graph_changes(GRAPH, with_nodes(X, CONV, tanh, edges=edges)).said() == {
        "relu1": "removed: ReLULayer",
        "tanh1": "added: TanhLayer",
    }


def test_a_changed_node_says_what_it_was() -> None:
    wider = replace(CONV, details="out=16", parameters=160, shape=[(None, 16)])
    after = with_nodes(X, wider, replace(RELU, shape=[(None, 16)]))

    assert graph_changes(GRAPH, after).json["changed"] == {
        "conv1": "ConvolutionLayer (out=8), 80 parameters became ConvolutionLayer (out=16), 160 parameters"
    }
    assert not graph_changes(GRAPH, after).rewired  # shapes follow, and do not count


def test_a_rewired_node_says_what_it_read() -> None:
    edges = [GRAPH.edges[0], Edge("system_in", "relu1", delay=1)]

    assert graph_changes(GRAPH, with_nodes(X, CONV, RELU, edges=edges)).said() == {
        "relu1": "reads system_in of the step before, not conv1"
    }
