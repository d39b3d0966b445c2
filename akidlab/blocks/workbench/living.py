"""Living: how a brain becomes what is drafted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from akidlab.blocks.block import Block
from akidlab.blocks.refit import Held, _slots
from akidlab.blocks.system import System
from akidlab.blocks.underway import UnderWay
from akidlab.blocks.wiring import Wire
from akidlab.blocks.workbench.draft import Draft, wires_of
from akidlab.errors import BlockError
from akidlab.options import signature

_PLAIN = (bool, int, float, str, type(None), tuple)


def stamp(system: System, draft: Draft | None = None) -> object:
    """What tells a system, or a draft of it, from what it was: blocks, names, wires and plain options."""
    if draft is not None:
        return tuple(_of(part.block, part.name, part.inputs, part.inside, part.is_system) for part in draft)
    return tuple(
        _of(block, block.name, wires_of(block), None, isinstance(block, System)) for block in system.blocks
    )


def _of(
    block: Block | None, name: str, wires: tuple[Wire, ...] | None, inside: Draft | None, nested: bool
) -> object:
    wired = (
        None
        if wires is None
        else tuple(
            (wire.name, wire.idxs, wire.delay, str(wire.init), wire.bptt, id(wire.constant)) for wire in wires
        )
    )
    within = stamp(block, inside) if nested and isinstance(block, System) else ()
    return (id(block), name, wired, within, _plain(block))


def _plain(block: Block | None) -> object:
    if block is None:
        return None
    held = {**vars(block), **(block._made.before if block._made is not None else {})}
    values = [(name, held[name]) for name in signature(type(block)).parameters if name in held]
    return tuple((name, value) for name, value in values if isinstance(value, _PLAIN))


def arrange(system: System, draft: Draft, under_way: UnderWay) -> None:
    """Let a system hold the blocks of a draft, in its order and with its wiring."""
    former = dict(zip(system._order, system.blocks, strict=True))
    same = 0
    for (name, block), part in zip(former.items(), draft, strict=False):
        if block is not part.block or name != part.name or block.inputs is not part.inputs:
            break
        same += 1
    for name in reversed(system._order[same:]):
        system._detach(name)
    for part in draft[same:]:
        block = part.block
        if block is None:
            raise BlockError(part.error)
        under_way.take(block)
        block._name = part.name
        block._rewire(part.inputs)
        system._attach(block)
        if part.name in former and former[part.name] is not block:
            under_way.refit.inherit(block, former[part.name])
    for part in draft:
        if isinstance(part.block, System):
            arrange(part.block, part.inside, under_way)
    system._changed()


def check(system: System) -> None:
    """See that all wires lead somewhere.

    Raises:
        UnknownNameError: if one does not.
        BlockError: if a system within is empty, or a wire cannot be.
    """
    for module in system.modules():
        if isinstance(module, System) and not (module is system and module.is_empty):
            module.plan()


def keep(former: Sequence[tuple[Block, Held]]) -> None:
    """Put back the tensors that blocks held, where they fit again."""
    for block, before in former:
        if not block.is_setup:
            continue
        for register, tensors in (("_parameters", before.parameters), ("_buffers", before.buffers)):
            for name, owner, key, now in _slots(block, register):
                old: Any = tensors.get(name)
                if old is not None and old is not now and old.shape == now.shape:
                    vars(owner)[register][key] = old
