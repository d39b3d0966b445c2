"""The picture of a draft: its graph in plain values."""

from __future__ import annotations

from collections.abc import Iterator

from torch.nn.parameter import is_lazy

from akidlab.blocks.describing import first_line, shapes
from akidlab.blocks.layers.evaluation import EvalLayer
from akidlab.blocks.layers.loss import LossLayer
from akidlab.blocks.signal import shape_of
from akidlab.blocks.system import System
from akidlab.blocks.wiring import SYSTEM_IN
from akidlab.blocks.workbench import draft as drafts
from akidlab.blocks.workbench.draft import Draft, Part
from akidlab.blocks.workbench.trying import Findings
from akidlab.messages.graph import Edge, Graph, Node, Role


def picture(brain: System, draft: Draft, findings: Findings) -> Graph:
    """The graph of a draft, with the shapes that were found."""
    nodes = list(_nodes(draft, "", findings))
    return Graph(brain.name, type(brain).__name__, nodes, list(_edges(draft, type(brain), "", findings)))


def _nodes(draft: Draft, prefix: str, findings: Findings) -> Iterator[Node]:
    parent = prefix.rstrip(".") or None
    entry = shapes(findings.shapes.get(prefix + SYSTEM_IN))
    wires = [wire for reads in drafts.reads(draft).values() for wire in reads if wire.name == SYSTEM_IN]
    read = max((index for wire in wires for index in wire.idxs), default=0) + 1
    entry = None if entry is None else [*entry, *[None] * (read - len(entry))]
    yield Node(prefix + SYSTEM_IN, SYSTEM_IN, "Input", "input", parent, shape=entry)
    for part in draft:
        path = prefix + part.name
        for number, wire in enumerate(part.inputs or ()):
            if wire.constant is not None:
                constant = [tuple(wire.constant.shape)]
                yield Node(
                    f"{path}._constant{number}", "constant", "Tensor", "input", parent, shape=[*constant]
                )
        inner = list(_nodes(part.inside, f"{path}.", findings)) if part.is_system else []
        yield _node(part, path, parent, findings, [node for node in inner if node.parent == path])
        yield from inner


def _node(part: Part, path: str, parent: str | None, findings: Findings, inner: list[Node]) -> Node:
    block = findings.blocks.get(path, part.block)
    held = [] if block is None or part.is_system else [p for p in block.parameters() if not is_lazy(p)]
    return Node(
        path, part.name, part.cls.__name__, _role(part), parent,
        sum(p.numel() for p in held) + sum(node.parameters for node in inner),
        sum(p.numel() for p in held if p.requires_grad) + sum(node.trainable for node in inner),
        shapes(findings.shapes.get(path)), first_line(part.cls), "" if block is None else block.extra_repr(),
    )  # fmt: skip


def _role(part: Part) -> Role:
    if part.is_system:
        return "system"
    return (
        "evaluation"
        if issubclass(part.cls, EvalLayer)
        else "loss"
        if issubclass(part.cls, LossLayer)
        else "block"
    )


def _edges(draft: Draft, cls: type, prefix: str, findings: Findings) -> Iterator[Edge]:
    names = [SYSTEM_IN, *(part.name for part in draft)]
    for at, (reader, wires) in enumerate(drafts.reads(draft).items(), 1):
        count = 0
        for number, wire in enumerate(wires):
            if wire.constant is not None:
                known = shapes(shape_of(wire.constant))
                source = f"{reader}._constant{number}"
            elif wire.name in names:
                source, known = wire.name, shapes(findings.shapes.get(prefix + wire.name))
            else:
                continue
            late = int(bool(wire.delay) or (wire.name in names and names.index(wire.name) >= at))
            every = not getattr(cls, "WIRED", True) and known is not None
            for output in range(len(known)) if every and known is not None else wire.idxs:
                shape = known[output] if known is not None and -len(known) <= output < len(known) else None
                yield Edge(prefix + source, prefix + reader, output, shape, late, count)
                count += 1
    for part in draft:
        if part.is_system:
            yield from _edges(part.inside, part.cls, f"{prefix}{part.name}.", findings)
