"""Moves: what is done to the blocks of a system and to their wiring; whether it fits is seen afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from akidlab.blocks import chain
from akidlab.blocks.block import Block
from akidlab.blocks.wiring import SYSTEM_IN
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from akidlab.blocks.system import System


def place(system: object, path: str, *, block: bool = False) -> tuple[System, str]:
    """The system in which a name, written as `outer.inner`, is that of a block or of its input."""
    owner = cast("System", system)
    outer, dot, name = str(path).rpartition(".")
    if dot:
        found = owner.get_layer_by_name(outer)
        if not hasattr(found, "blocks"):
            raise BlockError(f"`{outer}` is no system: there is no `{name}` within it.")
        owner = cast("System", found)
    if block or name != SYSTEM_IN:
        owner.get_layer_by_name(name)
    return owner, name


def insert(owner: System, after: str, block: Block) -> None:
    """Put `block` behind the one called `after`; if it wires nothing itself, before its readers."""
    names = [b.name for b in owner.blocks]
    at = 0 if after == SYSTEM_IN else names.index(after) + 1
    wanted = chain.reads(owner) if owner.WIRED else {}
    owner._attach(block, at)
    if owner.WIRED:
        reads = chain.reads(owner)[block.name]
        if block.inputs is None:
            wanted = chain.between(wanted, after, block.name)
        chain.write(owner, {**wanted, block.name: reads})


def put_in_place(owner: System, name: str, block: Block) -> None:
    """Put `block` where the one called `name` is."""
    at = [b.name for b in owner.blocks].index(name)
    wanted = chain.reads(owner) if owner.WIRED else {}
    owner._detach(name)
    if isinstance(block, Block) and block._name is None:
        block._rename(name)
    owner._attach(block, at)
    if owner.WIRED:
        wanted = chain.renamed(wanted, name, block.name)
        if block.inputs is not None:
            wanted[block.name] = block.inputs
        chain.write(owner, wanted)


def take_out(owner: System, name: str) -> None:
    """Take the block called `name` out, and lead its readers to what it read."""
    wanted = chain.without(chain.reads(owner), name) if owner.WIRED else {}
    owner._detach(name)
    if owner.WIRED:
        chain.write(owner, wanted)
