"""The graph of a brain in plain values: its blocks and what flows between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from akidlab import registry
from akidlab.errors import unknown

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from typing_extensions import Self

    Sizes: TypeAlias = "tuple[int | None, ...]"

Role: TypeAlias = Literal["input", "block", "system", "loss", "evaluation"]


@dataclass(frozen=True)
class Node:
    """A block, or what goes into a system.

    Args:
        id: its path, such as `unit1.conv1`; `unit1.system_in` is what goes into `unit1`.
        name: the last part of the path.
        kind: its class.
        role: what it is there for.
        parent: the `id` of the system around it; None in the outermost.
        parameters: how many numbers it holds, and a system's blocks hold; one that several blocks share
            counts at the first of them.
        trainable: how many of those are learned.
        shape: the sizes of each tensor that it emits, None for the batch; None while they are not known,
            for a single tensor, too.
        doc: the first line of its docstring.
        details: what sets it apart from others of its class.
        tied: the `id` of the block whose parameters it shares, or that it is, called another time.
    """

    id: str
    name: str
    kind: str
    role: Role
    parent: str | None = None
    parameters: int = 0
    trainable: int = 0
    shape: list[Sizes | None] | None = None
    doc: str = ""
    details: str = ""
    tied: str | None = None


@dataclass(frozen=True)
class Edge:
    """A tensor on its way; both ends have the same parent.

    Args:
        source: the `id` of the node that emits it.
        target: the `id` of the node that reads it.
        output: which of the tensors that the source emits.
        shape: its sizes, None for the batch; None while they are not known.
        delay: 1 where it is read one step after it was emitted: a feedback.
        part: its place among all that the target reads.
    """

    source: str
    target: str
    output: int = 0
    shape: Sizes | None = None
    delay: int = 0
    part: int = 0


@dataclass(frozen=True, repr=False)
class Graph:
    """The blocks of a brain in the order in which they run, and what flows between them.

    A system within is a node, too, and the `parent` of its blocks; it emits what the last of them emits.

    Args:
        name: of the whole.
        kind: the class of the whole.
        nodes: a system comes before its blocks.
        edges: by target, in the order of what it reads.

    Example:
        >>> graph = Graph("small", "Brain", [Node("system_in", "system_in", "Input", "input")], [])
        >>> Graph.of(graph.json) == graph
        True
    """

    name: str
    kind: str
    nodes: list[Node]
    edges: list[Edge]

    @classmethod
    def of(cls, json: Mapping[str, Any]) -> Self:
        """The graph that `json` describes, as its `json` once did."""
        nodes = [Node(**{**node, "shape": _several(node["shape"])}) for node in json["nodes"]]
        edges = [Edge(**{**edge, "shape": _one(edge["shape"])}) for edge in json["edges"]]
        return cls(json["name"], json["kind"], nodes, edges)

    @property
    def json(self) -> dict[str, Any]:
        """All of it as lists, objects and plain values."""
        return asdict(self)

    @property
    def parameters(self) -> int:
        """How many numbers it holds."""
        return sum(node.parameters for node in self.nodes if node.parent is None)

    def node(self, id: str) -> Node:
        """The node at this path.

        Raises:
            UnknownNameError: if there is none.
        """
        found = {node.id: node for node in self.nodes}
        if id not in found:
            raise unknown("node", str(id), list(found))
        return found[id]

    def svg(self) -> str:
        """A picture of it, to be written to a file or shown by a browser: SVG without scripts."""
        return registry.load("akidlab.backends", "svg").graph(self)  # type: ignore[attr-defined]

    def figure(self) -> go.Figure:
        """A plotly figure of it, for papers."""
        return registry.load("akidlab.backends", "plotly").graph(self)  # type: ignore[attr-defined]

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return shown(self)

    def __repr__(self) -> str:
        blocks = sum(node.role != "input" for node in self.nodes)
        sizes = (blocks, "node"), (len(self.edges), "edge"), (self.parameters, "parameter")
        told = ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in sizes)
        return f"<Graph of {self.name}: {told}>"


def shown(drawn: object) -> dict[str, Any]:
    """What a live notebook shows of a graph, or of a brain; empty where nobody draws it."""
    if "graph" not in registry.names("akidlab.views"):
        return {}
    return registry.load("akidlab.views", "graph")(drawn).bundle  # type: ignore[operator]


def _several(shapes: object) -> list[Sizes | None] | None:
    return None if shapes is None else [_one(shape) for shape in shapes]  # type: ignore[attr-defined]


def _one(shape: object) -> Sizes | None:
    return None if shape is None else tuple(shape)  # type: ignore[arg-type]
