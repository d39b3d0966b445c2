"""What differs between two block graphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from akidlab.messages.graph import Graph, Node

    Wires = dict[str, list[str]]


@dataclass(frozen=True)
class GraphChanges:
    """What became of one graph in another.

    Args:
        added: the ids of nodes that only the other one has.
        removed: the ids of nodes that only the first one has.
        changed: by id, how a node was and is: its class, what sets it apart, and how many numbers it holds.
        rewired: by id, what a node read and reads.

    Example:
        >>> from akidlab.messages.graph import Edge, Graph, Node
        >>> x, relu = Node("x", "x", "Input", "input"), Node("relu", "relu", "ReLULayer", "block")
        >>> before, after = Graph("a", "Brain", [x], []), Graph("b", "Brain", [x, relu], [Edge("x", "relu")])
        >>> graph_changes(before, after).said()
        {'relu': 'added: ReLULayer'}
    """

    added: dict[str, str]
    removed: dict[str, str]
    changed: dict[str, tuple[str, str]]
    rewired: dict[str, tuple[str, str]]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.rewired)

    def said(self) -> dict[str, str]:
        """What became of each node that differs, in words."""
        found = {id: f"removed: {what}" for id, what in self.removed.items()}
        found |= {id: f"added: {what}" for id, what in self.added.items()}
        for id, (was, now) in self.changed.items():
            found[id] = f"changed: {was} became {now}"
        for id, (was, now) in self.rewired.items():
            told = f"reads {now}, not {was}"
            found[id] = f"{found[id]}; {told}" if id in found else told
        return found

    @property
    def json(self) -> dict[str, dict[str, str]]:
        """What became of each node, by the kind of the change; one may be changed and rewired."""
        rewired = {id: f"reads {now}, not {was}" for id, (was, now) in self.rewired.items()}
        changed = {id: f"{was} became {now}" for id, (was, now) in self.changed.items()}
        return {"added": self.added, "removed": self.removed, "changed": changed, "rewired": rewired}


def graph_changes(before: Graph, after: Graph) -> GraphChanges:
    """What differs in `after` from `before`; nodes are the same where their ids are.

    Shapes alone do not count: they follow from what lies before. A tensor that comes from a node of another
    name counts as another one.
    """
    old, new = ({node.id: node for node in graph.nodes} for graph in (before, after))
    read, reads = _wires(before), _wires(after)
    both = [id for id in old if id in new]
    return GraphChanges(
        {id: _told(node) for id, node in new.items() if id not in old},
        {id: _told(node) for id, node in old.items() if id not in new},
        {id: (_told(old[id]), _told(new[id])) for id in both if _told(old[id]) != _told(new[id])},
        {
            id: (", ".join(read.get(id, [])) or "nothing", ", ".join(reads.get(id, [])) or "nothing")
            for id in both
            if read.get(id) != reads.get(id)
        },
    )


def _told(node: Node) -> str:
    parameters = f", {node.parameters:,} parameters" if node.parameters and node.role != "system" else ""
    details = f" ({node.details})" if node.details else ""
    return f"{node.kind}{details}{parameters}"


def _wires(graph: Graph) -> Wires:
    """What each node reads, in its order; outputs are told where a node emits several."""
    found: Wires = {}
    several = {edge.source for edge in graph.edges if edge.output}
    for edge in sorted(graph.edges, key=lambda edge: edge.part):
        which = f"[{edge.output}]" if edge.source in several else ""
        delayed = " of the step before" if edge.delay else ""
        found.setdefault(edge.target, []).append(f"{edge.source}{which}{delayed}")
    return found
