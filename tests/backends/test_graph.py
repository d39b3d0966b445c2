"""The graph of a brain, drawn without a browser."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from akidlab.backends import layered, plotly, svg
from akidlab.messages import Edge, Graph, Node

SHAPE = (None, 3)


def _node(id: str, role="block", **more) -> Node:
    parent, _, name = id.rpartition(".")
    return Node(id, name, "ReLULayer", role, parent or None, shape=[SHAPE], **more)


NESTED = Graph(
    "brain", "Brain",
    [
        _node("system_in", "input"), _node("a", parameters=51_264), _node("unit", "system"),
        _node("unit.system_in", "input"), _node("unit.b"), _node("loss", "loss"),
    ],
    [
        Edge("system_in", "a", 0, SHAPE), Edge("unit", "a", 0, SHAPE, delay=1, part=1),
        Edge("a", "unit", 0, SHAPE), Edge("unit.system_in", "unit.b", 0, SHAPE),
        Edge("unit", "loss", 0, SHAPE), Edge("system_in", "loss", 1),
    ],
)  # fmt: skip


@st.composite
def graphs(draw) -> Graph:
    """Blocks that read some of those before them."""
    nodes, edges = [_node("system_in", "input")], []
    for at in range(draw(st.integers(1, 14))):
        reads = draw(st.lists(st.integers(0, at), min_size=1, max_size=3, unique=True))
        edges += [Edge(nodes[n].id, f"b{at}", part=part) for part, n in enumerate(reads)]
        nodes.append(_node(f"b{at}"))
    return Graph("random", "Brain", nodes, edges)


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_each_node_lies_below_those_it_reads_and_covers_none(graph):
    plan = layered.plan(graph)
    places = {place.node.id: place for place in plan.places}

    for edge in graph.edges:
        source, target = places[edge.source], places[edge.target]
        assert source.y + source.height / 2 < target.y - target.height / 2
    boxes = list(places.values())
    for at, one in enumerate(boxes):
        assert one.x - one.width / 2 >= -0.01
        assert one.x + one.width / 2 <= plan.width + 0.01
        for other in boxes[at + 1 :]:
            apart_x = abs(one.x - other.x) >= (one.width + other.width) / 2 - 0.01
            assert apart_x or abs(one.y - other.y) >= (one.height + other.height) / 2


def test_an_open_system_holds_its_blocks_and_a_folded_one_hides_them():
    unfolded, folded = layered.plan(NESTED), layered.plan(NESTED, open=())
    unit, block = (next(p for p in unfolded.places if p.node.id == id) for id in ("unit", "unit.b"))

    assert abs(unit.x - block.x) < (unit.width - block.width) / 2
    assert abs(unit.y - block.y) < (unit.height - block.height) / 2
    assert [place.node.id for place in folded.places] == ["system_in", "a", "unit", "loss"]


def test_what_is_fed_back_runs_beside_all_blocks():
    plan = layered.plan(NESTED)
    (back,) = [path for path in plan.paths if path.is_back]

    side = max(x for x, _ in back.points)
    assert all(place.x + place.width / 2 < side < plan.width for place in plan.places)
    assert layered.label(back.edges) == "t-1 · 3"


def test_large_graphs_are_folded():
    inner = [_node(f"unit.b{at}") for at in range(layered.ROOM)]

    assert (
        layered.opened(Graph("large", "Brain", [_node("unit", "system"), *inner], []), layered.ROOM) == set()
    )


def test_the_picture_names_every_block_and_what_flows():
    words = [
        "".join(text.itertext())
        for text in ET.fromstring(NESTED.svg()).iter("{http://www.w3.org/2000/svg}text")
    ]

    assert {"a", "ReLU · 51.3k", "unit", "b", "loss", "t-1 · 3"} <= set(words)
    assert NESTED._repr_svg_() == svg.graph(NESTED)


def test_the_figure_tells_of_every_block_and_leaves_a_picture():
    figure = NESTED.figure()

    assert len(figure.layout.shapes) == len(NESTED.nodes)
    assert figure.data[-1].hovertext[1] == "<b>a</b><br>ReLULayer<br>emits 3<br>51,264 parameters"
    assert isinstance(figure, plotly.GraphFigure)
    assert "<svg" in figure._repr_mimebundle_()["image/svg+xml"]


def test_an_empty_graph_is_an_empty_picture():
    empty = Graph("empty", "Brain", [], [])

    assert ET.fromstring(empty.svg()) is not None
    assert len(empty.figure().data[-1].x or ()) == 0
