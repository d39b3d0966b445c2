"""Where the nodes of a graph lie in a picture: in layers, each below those that it reads.

The browser lays graphs out with dagre; this is what figures and saved pictures need, without a browser.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import mean

from akidlab.messages import Edge, Graph, Node

GAP, LAYER, LANE, HEAD, PAD = 20.0, 38.0, 20.0, 26.0, 12.0
ROOM = 60  # nodes up to which systems are unfolded
SWEEPS = 6

Point = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """A node: its middle, its size, and whether its inside is drawn."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    is_open: bool = False


@dataclass(frozen=True)
class Path:
    """An edge, or several that go the same way."""

    edges: list[Edge]
    points: list[Point]
    label: Point

    @property
    def is_back(self) -> bool:
        """True for a feedback."""
        return bool(self.edges[0].delay)


@dataclass(frozen=True)
class Plan:
    """Places and paths on a plane of this size; a system comes before its blocks."""

    width: float
    height: float
    places: list[Place]
    paths: list[Path]


def plan(graph: Graph, open: Collection[str] | None = None) -> Plan:
    """Lay a graph out.

    Args:
        graph: which.
        open: the ids of the systems whose inside is drawn; by default all, the outermost first, while no more
            than about sixty nodes are seen.

    Example:
        >>> Graph("empty", "Brain", [], []) and plan(Graph("empty", "Brain", [], [])).places
        []
    """
    return _inside(graph, None, opened(graph, ROOM) if open is None else open)


def opened(graph: Graph, most: int) -> set[str]:
    """The systems to unfold so that no more than about so many nodes are seen."""
    inner: dict[str | None, int] = defaultdict(int)
    for node in graph.nodes:
        inner[node.parent] += 1
    seen, chosen = inner[None], set()
    systems = [node for node in graph.nodes if node.role == "system" and inner[node.id]]
    for system in sorted(systems, key=lambda node: node.id.count(".")):
        seen += inner[system.id]
        if seen > most:
            break
        if system.parent is None or system.parent in chosen:
            chosen.add(system.id)
    return chosen


def sized(node: Node) -> tuple[float, float]:
    """How large a node is drawn that is not unfolded."""
    if node.role == "input":
        return max(52.0, 6.6 * len(node.name) + 20), 24.0
    return min(240.0, max(84.0, 7.4 * len(node.name) + 26, 6.3 * len(about(node)) + 26)), 42.0


def about(node: Node) -> str:
    """The second line of a node: its class and how many parameters it has."""
    kind = node.kind.removesuffix("Layer") or node.kind
    return f"{kind} · {_short(node.parameters)}" if node.parameters else kind


def label(edges: Sequence[Edge]) -> str:
    """What stands at an edge: the shapes of what flows there."""
    shapes = dict.fromkeys(told(edge.shape) for edge in edges if edge.shape is not None)
    return " · ".join(filter(None, ["t-1" if edges[0].delay else "", ", ".join(shapes)]))


def told(shape: Sequence[int | None]) -> str:
    """A shape without its batch."""
    sizes = shape[1:] if shape and shape[0] is None else shape
    return "×".join("?" if size is None else str(size) for size in sizes) or ("N" if shape else "scalar")


@dataclass
class _Spot:
    """A node in its layer, or the bend of an edge that passes there."""

    width: float
    place: str | None = None
    above: list[_Spot] = field(default_factory=list)
    below: list[_Spot] = field(default_factory=list)
    x: float = 0.0


def _inside(graph: Graph, parent: str | None, open: Collection[str]) -> Plan:
    nodes = [node for node in graph.nodes if node.parent == parent]
    ids = {node.id for node in nodes}
    inner = {node.id: _inside(graph, node.id, open) for node in nodes if node.id in open}
    sizes = {node.id: _size(node, inner.get(node.id)) for node in nodes}
    bundles: dict[tuple[str, str, int], list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        if edge.target in ids:
            bundles[edge.source, edge.target, edge.delay].append(edge)
    ranks = _ranks(nodes, [edges[0] for edges in bundles.values() if not edges[0].delay])
    layers, ways = _layers(nodes, sizes, ranks, [key for key in bundles if not key[2]])
    _order(layers)
    _spread(layers)
    middles, width = _middles(layers), max((s.x + s.width / 2 for layer in layers for s in layer), default=0)
    heights = [max((sizes[s.place][1] for s in layer if s.place), default=0.0) for layer in layers]
    tops = [sum(heights[:at]) + LAYER * at for at in range(len(layers))]
    places, paths, boxes = [], [], {}
    for node in nodes:
        rank = ranks[node.id]
        y = tops[rank] + heights[rank] / 2
        box = Place(node, middles[node.id], y, *sizes[node.id], is_open=node.id in inner)
        boxes[node.id] = box
        places.append(box)
        if node.id in inner:
            _put(inner[node.id], box, places, paths)
    for key, spots in ways.items():
        source, target = boxes[key[0]], boxes[key[1]]
        first, last = ranks[key[0]], ranks[key[1]]
        points = [(source.x, source.y + source.height / 2)]
        for rank, spot in zip(range(first + 1, last), spots, strict=True):
            points += [(spot.x, tops[rank] - 6), (spot.x, tops[rank] + heights[rank] + 6)]
        points.append((target.x, target.y - target.height / 2))
        middle = points[len(points) // 2 - 1], points[len(points) // 2]
        at = (mean(p[0] for p in middle), mean(p[1] for p in middle))
        paths.append(Path(bundles[key], points, at))
    height = tops[-1] + heights[-1] if layers else 0.0
    width += _back([edges for key, edges in bundles.items() if key[2]], boxes, width, paths)
    return Plan(width, height, places, paths)


def _size(node: Node, inner: Plan | None) -> tuple[float, float]:
    if inner is None:
        return sized(node)
    return max(inner.width + 2 * PAD, sized(node)[0]), inner.height + HEAD + PAD


def _put(inner: Plan, box: Place, places: list[Place], paths: list[Path]) -> None:
    dx, dy = box.x - inner.width / 2, box.y - box.height / 2 + HEAD
    places += [replace(place, x=place.x + dx, y=place.y + dy) for place in inner.places]
    for path in inner.paths:
        x, y = path.label
        points = [(px + dx, py + dy) for px, py in path.points]
        paths.append(Path(path.edges, points, (x + dx, y + dy)))


def _ranks(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[str, int]:
    """The layer of each node: one below all that it reads; a constant right above its reader."""
    ranks = dict.fromkeys((node.id for node in nodes), 0)
    reads = defaultdict(list)
    for edge in edges:
        reads[edge.target].append(edge.source)
    for node in nodes:  # they come in the order in which they run
        ranks[node.id] = max((ranks[source] + 1 for source in reads[node.id]), default=0)
    for edge in edges:
        if "._constant" in edge.source:
            ranks[edge.source] = ranks[edge.target] - 1
    return ranks


def _layers(
    nodes: Sequence[Node],
    sizes: dict[str, tuple[float, float]],
    ranks: dict[str, int],
    keys: Sequence[tuple[str, str, int]],
) -> tuple[list[list[_Spot]], dict[tuple[str, str, int], list[_Spot]]]:
    layers: list[list[_Spot]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    spots = {node.id: _Spot(sizes[node.id][0], node.id) for node in nodes}
    for node in nodes:
        layers[ranks[node.id]].append(spots[node.id])
    ways = {}
    for key in keys:
        source, target, _ = key
        bends = []
        for rank in range(ranks[source] + 1, ranks[target]):
            bends.append(_Spot(16.0))
            layers[rank].append(bends[-1])
        for one, next in pairwise([spots[source], *bends, spots[target]]):
            one.below.append(next)
            next.above.append(one)
        ways[key] = bends
    return layers, ways


def _order(layers: list[list[_Spot]]) -> None:
    """Order each layer after the middle of its neighbours, downwards and upwards in turn (Sugiyama 1981)."""
    for sweep in range(SWEEPS):
        for layer in layers:
            for at, spot in enumerate(layer):
                spot.x = float(at)
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            wanted = {}
            for at, spot in enumerate(layer):
                near = spot.above if down else spot.below
                wanted[id(spot)] = mean(other.x for other in near) if near else float(at)
            layer.sort(key=lambda spot: wanted[id(spot)])
            for at, spot in enumerate(layer):
                spot.x = float(at)


def _spread(layers: list[list[_Spot]]) -> None:
    """Give each spot its place across, near the middle of its neighbours and clear of those beside it."""
    for layer in layers:
        x = 0.0
        for spot in layer:
            spot.x, x = x + spot.width / 2, x + spot.width + GAP
    for sweep in range(SWEEPS * 2):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            _settle(layer, sweep % 2 == 0)
    left = min((spot.x - spot.width / 2 for layer in layers for spot in layer), default=0.0)
    for layer in layers:
        for spot in layer:
            spot.x -= left


def _settle(layer: list[_Spot], down: bool) -> None:
    wanted = []
    for spot in layer:
        near = (spot.above if down else spot.below) or spot.above or spot.below
        wanted.append(mean(other.x for other in near) if near else spot.x)
    right, left = list(wanted), list(wanted)
    for at in range(1, len(layer)):
        right[at] = max(right[at], right[at - 1] + _apart(layer[at - 1], layer[at]))
    for at in reversed(range(len(layer) - 1)):
        left[at] = min(left[at], left[at + 1] - _apart(layer[at], layer[at + 1]))
    for spot, one, other in zip(layer, right, left, strict=True):
        spot.x = (one + other) / 2  # both keep the distances, and so does their mean


def _apart(one: _Spot, other: _Spot) -> float:
    return (one.width + other.width) / 2 + GAP


def _middles(layers: list[list[_Spot]]) -> dict[str, float]:
    return {spot.place: spot.x for layer in layers for spot in layer if spot.place is not None}


def _back(backs: list[list[Edge]], boxes: dict[str, Place], width: float, paths: list[Path]) -> float:
    """Lead what is fed back around on the right; returns how much room that takes."""
    used = 0.0
    for edges in sorted(backs, key=lambda e: abs(boxes[e[0].source].y - boxes[e[0].target].y)):
        source, target = boxes[edges[0].source], boxes[edges[0].target]
        lane = max(LANE, 5.8 * len(label(edges)) + 6)
        side, out, into = width + used + lane / 2, _exit(source, boxes, 1), _exit(target, boxes, -1)
        points = [*out, (side, out[-1][1]), (side, into[-1][1]), *reversed(into)]
        paths.append(Path(edges, points, (side, (out[-1][1] + into[-1][1]) / 2)))
        used += lane
    return used


def _exit(box: Place, boxes: dict[str, Place], way: int) -> list[Point]:
    """From a box to where nothing lies between it and the side: straight out, else around its corner."""
    right, y = box.x + box.width / 2, box.y + 0.22 * way * box.height
    beside = [one for one in boxes.values() if one is not box and one.x + one.width / 2 > right]
    if not any(abs(one.y - y) < one.height / 2 for one in beside):
        return [(right, y)]
    row = [box, *(one for one in beside if abs(one.y - box.y) < (one.height + box.height) / 2)]
    gap = max(way * one.y + one.height / 2 for one in row) + 8
    return [(right - 9, box.y + way * box.height / 2), (right - 9, way * gap)]


def _short(number: int) -> str:
    if number < 10_000:
        return str(number)
    size, letter = (1e6, "M") if number >= 1e6 else (1e3, "k")
    return f"{float(f'{number / size:.3g}'):g}{letter}"
