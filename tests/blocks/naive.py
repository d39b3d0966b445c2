"""A naive interpreter of wiring, by name, as akid's manual tells it, and systems drawn at random."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from akidlab import Block, ConcatLayer, GraphSystem, InnerProductLayer, ReLULayer, System, TanhLayer

WIDTH = 3


class Twice(Block):
    """Emits a list: its input, and twice that."""

    NAME = "twice"

    def forward(self, signal: Tensor) -> list[Tensor]:
        return [signal, 2 * signal]


class Past:
    """What each block of a system emitted one step ago, and the same of the systems within."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.within: dict[str, Past] = {}


def interpreted(system: System, inputs: list[Tensor], past: Past) -> Any:
    """What `system` makes of `inputs`, looking up names at every step; `past` becomes the present."""
    names = [block.name for block in system.blocks]
    values: dict[str, Any] = {"system_in": inputs}
    for at, block in enumerate(system.blocks):
        collected = []
        for name, idxs, late, init in _wires(block, names, at):
            value = values[name] if not late else _earlier(past, system[name], init, len(inputs[0]))
            collected += [value[i] for i in idxs] if isinstance(value, list) else [value]
        signal = collected[0] if len(collected) == 1 else collected
        if isinstance(block, System):
            entry = signal if isinstance(signal, list) else [signal]
            values[block.name] = interpreted(block, entry, past.within.setdefault(block.name, Past()))
        else:
            values[block.name] = block.forward(signal)
    past.values = {name: values[name] for name in names}
    return values[names[-1]]


def _wires(block: Block, names: list[str], at: int):
    if block.inputs is None:
        yield names[at - 1] if at else "system_in", (0,), False, 0.0
        return
    for wire in block.inputs:
        known = wire.name in names
        yield wire.name, wire.idxs, bool(wire.delay) or (known and names.index(wire.name) >= at), wire.init


def _earlier(past: Past, block: Block, init: Any, batch: int) -> Any:
    if block.name in past.values:
        return past.values[block.name]
    parts = [
        torch.full((batch, *shape[1:]), float(init))
        for shape in (block.out_shape if isinstance(block.out_shape, list) else [block.out_shape])
    ]
    return parts if isinstance(block.out_shape, list) else parts[0]


@st.composite
def systems(draw, depth: int = 1) -> GraphSystem:
    """A system of one to six blocks: chained or wired, with branches, lists, feedbacks and systems within."""
    count = draw(st.integers(1, 6))
    kinds = ["ip", "ip", "relu", "concat", "twice", *(["system"] if depth else [])]
    drawn = draw(st.lists(st.sampled_from(kinds), min_size=count, max_size=count))
    system = GraphSystem(name=f"system{depth}")
    for at, kind in enumerate(drawn):
        wiring: dict[str, Any] = {"name": f"b{at}"}
        if draw(st.booleans()):
            wiring["inputs"] = draw(_inputs(drawn, at, several=kind in ("concat", "system")))
        system.attach(draw(_block(kind, wiring, depth)))
    return system


@st.composite
def _inputs(draw, drawn: list[str], at: int, several: bool):
    count = draw(st.integers(1, 3)) if several else 1
    fed_back = [f"b{n}" for n, kind in enumerate(drawn) if kind == "ip" and n >= at]  # its shape can be told
    inputs = []
    for _ in range(count):
        name = draw(st.sampled_from(["system_in", *(f"b{n}" for n in range(at)), *fed_back]))
        number = int(name[1:]) if name[0] == "b" else -1
        entry: dict[str, Any] = {"name": name}
        if 0 <= number < at and drawn[number] == "twice":
            entry["idxs"] = draw(st.lists(st.integers(0, 1), min_size=1, max_size=2 if several else 1))
        if number >= 0 and drawn[number] == "ip" and draw(st.booleans()):
            entry["delay"], entry["init"] = 1, draw(st.sampled_from([0.0, 0.5]))
        inputs.append(entry)
    return inputs


@st.composite
def _block(draw, kind: str, wiring: dict[str, Any], depth: int) -> Block:
    if kind == "ip":
        return InnerProductLayer(out_channel_num=draw(st.integers(1, 4)), **wiring)
    if kind == "system":
        inner = draw(systems(depth=depth - 1))
        outer = GraphSystem(**wiring)
        return outer.attach(list(inner.blocks))
    return {"relu": ReLULayer, "tanh": TanhLayer, "concat": ConcatLayer, "twice": Twice}[kind](**wiring)


def signals(steps: int, batch: int) -> list[Tensor]:
    """The inputs of several steps."""
    return list(torch.randn(steps, batch, WIDTH, generator=torch.Generator().manual_seed(0)))
