"""Chains: what each block of a system reads, written out, so that blocks can be moved in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from akidlab.blocks.plan import later
from akidlab.blocks.wiring import SYSTEM_IN, Wire
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from akidlab.blocks.block import Block
    from akidlab.blocks.system import System

Reads = dict[str, tuple[Wire, ...]]  # by the name of the block that reads


def reads(system: System) -> Reads:
    """What each block reads, also where it wrote no `inputs`."""
    found, before = {}, SYSTEM_IN
    for block in system.blocks:
        found[block.name] = (Wire(before),) if block.inputs is None else _held(block)
        before = block.name
    return found


def write(system: System, wanted: Reads) -> None:
    """Let each block read what is `wanted`; what its place gives it anyway is not written down."""
    before = SYSTEM_IN
    for block in system.blocks:
        now = wanted[block.name]
        if block.inputs is not None:
            if len(now) != len(block.inputs) or any(
                not _same(a, b) for a, b in zip(now, _held(block), strict=True)
            ):
                block._rewire(now)
        elif len(now) != 1 or not _same(now[0], Wire(before)):
            block._rewire(now)
        before = block.name


def between(wanted: Reads, name: str, new: str) -> Reads:
    """Let those that read the first value of `name` read that of `new`."""

    def moved(_: str, wire: Wire) -> Wire:
        reads_it = wire.constant is None and wire.name == name and wire.idxs == (0,)
        return replace(wire, name=new) if reads_it else wire

    return _each(wanted, moved)


def renamed(wanted: Reads, old: str, new: str) -> Reads:
    """Let those that read `old` read `new`, which has its place."""
    every = {new if reader == old else reader: wires for reader, wires in wanted.items()}
    return _each(
        every, lambda _, wire: replace(wire, name=new) if wire.name == old and wire.constant is None else wire
    )


def without(wanted: Reads, name: str) -> Reads:
    """Let those that read `name` read what it reads.

    Raises:
        BlockError: if that is not one value, or would lie more than one step back.
    """
    names = list(wanted)
    given = [wire for wire in wanted[name] if wire.constant is not None or wire.name != name]
    late = bool(given) and _late(given[0], name, names)

    def past(reader: str, wire: Wire) -> Wire:
        if wire.constant is not None or wire.name != name or reader == name:
            return wire
        if len(given) != 1 or wire.idxs != (0,):
            raise BlockError(
                f"`{name}` cannot be removed: `{reader}` reads it, and it reads {len(given)} values. "
                f'Say first what is read instead: rewire("{reader}", [...]).'
            )
        one, delayed = given[0], _late(wire, reader, names)
        if one.constant is not None or not delayed:
            return one
        if late or one.name == SYSTEM_IN:
            raise BlockError(
                f"`{name}` cannot be removed: `{reader}` would read `{one.name}` "
                f"{'two steps' if late else 'one step'} late, which no wire does. Rewire `{reader}` first."
            )
        return replace(wire, name=one.name, idxs=one.idxs, delay=1)

    return {reader: wires for reader, wires in _each(wanted, past).items() if reader != name}


def _each(wanted: Reads, function: Callable[[str, Wire], Wire]) -> Reads:
    return {reader: tuple(function(reader, wire) for wire in wires) for reader, wires in wanted.items()}


def _late(wire: Wire, reader: str, names: list[str]) -> bool:
    return bool(wire.delay) or (wire.constant is None and later(wire, names.index(reader), names))


def _held(block: Block) -> tuple[Wire, ...]:
    assert block.inputs is not None
    return tuple(
        wire if wire.constant is None else replace(wire, constant=block._constant(number))
        for number, wire in enumerate(block.inputs)
    )


def _same(one: Wire, other: Wire) -> bool:
    pairs = zip(vars(one).values(), vars(other).values(), strict=True)
    return all(a is b or not (isinstance(a, Tensor) or isinstance(b, Tensor) or a != b) for a, b in pairs)
