"""The graph of a system: its blocks, those of the systems within, and their wiring as it was compiled."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch import nn
from torch.nn.parameter import is_lazy

from akidlab.blocks import chain
from akidlab.blocks.block import Block
from akidlab.blocks.layers.evaluation import EvalLayer
from akidlab.blocks.layers.loss import LossLayer
from akidlab.blocks.layers.synapse import SynapseLayer
from akidlab.blocks.plan import later
from akidlab.blocks.signal import Shape
from akidlab.blocks.system import System
from akidlab.blocks.wiring import SYSTEM_IN, Wire
from akidlab.messages.graph import Edge, Graph, Node, Role

if TYPE_CHECKING:
    from akidlab.messages.graph import Sizes


def described(system: System) -> Graph:
    """The graph of a system, set up or not."""
    nodes, edges = list(_nodes(system, "", Counted())), list(_edges(system, ""))
    return Graph(system.name, type(system).__name__, nodes, edges)


class Counted:
    """Who holds which parameters: each counts once, at the first block that has it."""

    def __init__(self) -> None:
        self._homes: dict[int, str] = {}

    def count(self, path: str, module: nn.Module) -> tuple[int, int, str | None]:
        """How many numbers are new here, how many of those are learned, and with whom others are shared."""
        held = [p for p in module.parameters() if not is_lazy(p)]
        new = [p for p in held if self._homes.setdefault(id(p), path) == path]
        tied = next((self._homes[id(p)] for p in held if self._homes[id(p)] != path), None)
        return sum(p.numel() for p in new), sum(p.numel() for p in new if p.requires_grad), tied


def first_line(kind: type) -> str:
    """The first line of a docstring, empty where there is none of its own or its bases'."""
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def sizes(shape: Shape) -> Sizes | None:
    """A shape without its batch; None for what is no single tensor."""
    if not isinstance(shape, tuple):
        return None
    return (None, *shape[1:]) if shape else ()  # type: ignore[return-value]


def shapes(shape: Shape) -> list[Sizes | None] | None:
    """The shape of each tensor of a signal, without the batch; None while it is not known."""
    if shape is None:
        return None
    return [sizes(part) for part in shape] if isinstance(shape, list) else [sizes(shape)]


def _nodes(system: System, prefix: str, counted: Counted) -> Iterator[Node]:
    parent = prefix.rstrip(".") or None
    yield Node(prefix + SYSTEM_IN, SYSTEM_IN, "Input", "input", parent, shape=_entries(system))
    for block in system.blocks:
        path = prefix + block.name
        for number, wire in enumerate(block.inputs or ()):
            if wire.constant is not None:
                constant = [tuple(block._constant(number).shape)]
                yield Node(
                    f"{path}._constant{number}", "constant", "Tensor", "input", parent, shape=[*constant]
                )
        if not isinstance(block, System):
            yield _node(block, path, parent, *counted.count(path, block))
            continue
        inner = list(_nodes(block, f"{path}.", counted))
        own, learned, _ = counted.count(path, block)  # what no block within holds
        mine = [node for node in inner if node.parent == path]
        own, learned = own + sum(n.parameters for n in mine), learned + sum(n.trainable for n in mine)
        yield _node(block, path, parent, own, learned, None)
        yield from inner


def _node(block: Block, path: str, parent: str | None, number: int, learned: int, tied: str | None) -> Node:
    emits, doc, details = shapes(block.out_shape), first_line(type(block)), block.extra_repr()
    kind, role = type(block).__name__, _role(block)
    return Node(path, block.name, kind, role, parent, number, learned, emits, doc, details, tied)


def _role(block: Block) -> Role:
    if isinstance(block, System):
        return "system"
    if isinstance(block, EvalLayer):
        return "evaluation"
    judges = block._contributes() and not isinstance(block, SynapseLayer)  # a layer may add its weight decay
    return "loss" if isinstance(block, LossLayer) or judges else "block"


def _edges(system: System, prefix: str) -> Iterator[Edge]:
    names = [block.name for block in system.blocks]
    emitted = {SYSTEM_IN: _entries(system), **{b.name: shapes(b.out_shape) for b in system.blocks}}
    lists = {SYSTEM_IN, *(b.name for b in system.blocks if isinstance(b.out_shape, list))}
    for at, (name, wires) in enumerate(chain.reads(system).items()):
        whole = not system.WIRED
        part = 0
        for number, wire in enumerate(wires):
            if wire.constant is not None:
                source, outputs, delay = f"{name}._constant{number}", [0], 0
                known: list[Sizes | None] | None = [tuple(wire.constant.shape)]
            else:
                source, known = wire.name, emitted.get(wire.name)
                outputs = _outputs(wire, known, wire.name in lists, whole)
                delay = int(bool(wire.delay) or later(wire, at, names))
            for output in outputs:
                shape = known[output] if known is not None and output < len(known) else None
                yield Edge(prefix + source, prefix + name, output, shape, delay, part)
                part += 1
        block = system.blocks[at]
        if isinstance(block, System):
            yield from _edges(block, f"{prefix}{name}.")


def _outputs(wire: Wire, known: list[Sizes | None] | None, several: bool, whole: bool) -> list[int]:
    if known is None:
        return [0] if whole else list(wire.idxs)
    if whole:
        return list(range(len(known)))
    if not several:
        return [0]
    return [index if index >= 0 else len(known) + index for index in wire.idxs]


def _entries(system: System) -> list[Sizes | None] | None:
    """What goes into a system, with a place for all that its blocks read of it."""
    given = shapes(system.in_shape)
    read = [i for wires in chain.reads(system).values() for w in wires if w.name == SYSTEM_IN for i in w.idxs]
    return None if given is None else [*given, *[None] * (max(read, default=0) + 1 - len(given))]
