"""Drafts: a system as plain values, which need not fit yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from akidlab.blocks import chain
from akidlab.blocks.block import Block
from akidlab.blocks.layers.evaluation import EvalLayer
from akidlab.blocks.layers.loss import LossLayer
from akidlab.blocks.remade import options_of
from akidlab.blocks.system import System
from akidlab.blocks.wiring import SYSTEM_IN, Wire
from akidlab.errors import AkidlabError, BlockError, unknown
from akidlab.options import signature


@dataclass(frozen=True, eq=False)
class Part:
    """A block of a draft.

    Args:
        name: of the block.
        cls: its class.
        options: what it is made with, by name.
        typed: texts that are no values, by the option for which they were typed, with what is wrong.
        inputs: what it reads; None for what the part before emits, empty for nothing yet.
        block: the block, None where it cannot be made.
        error: why it cannot be made.
        inside: the parts of a system.
    """

    name: str
    cls: type[Block]
    options: Mapping[str, Any] = field(default_factory=dict)
    typed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    inputs: tuple[Wire, ...] | None = None
    block: Block | None = None
    error: str = ""
    inside: Draft = ()

    @property
    def is_system(self) -> bool:
        return issubclass(self.cls, System)


Draft = tuple[Part, ...]


def drafted(system: System) -> Draft:
    """The draft of a system as it is."""
    return tuple(_part(block) for block in system.blocks)


def _part(block: Block) -> Part:
    inside = drafted(block) if isinstance(block, System) else ()
    return Part(block.name, type(block), options_of(block), {}, wires_of(block), block, "", inside)


def wires_of(block: Block) -> tuple[Wire, ...] | None:
    """What a block says it reads, with the constants that it holds."""
    if block.inputs is None:
        return None
    return tuple(
        wire if wire.constant is None else replace(wire, constant=block._constant(number))
        for number, wire in enumerate(block.inputs)
    )


def made(part: Part) -> Part:
    """The part with a block that its options make, or with the reason why they make none."""
    former = part.block
    if part.typed:
        return replace(part, block=None, error=next(iter(part.typed.values()))[1])
    options = dict(part.options)
    if former is not None:
        options |= former._own_flags
    takes = signature(part.cls).parameters
    missing = [
        p.name
        for p in takes.values()
        if p.default is p.empty and p.kind not in (2, 4) and p.name not in options
    ]
    if missing:
        needs = ", ".join(f"`{name}`" for name in missing)
        return replace(part, block=None, error=f"`{part.name}` ({part.cls.__name__}) needs {needs}.")
    if "name" in takes:
        options["name"] = part.name
    try:
        block = part.cls(**options)
    except AkidlabError as error:
        return replace(part, block=None, error=str(error))
    except Exception as error:  # whatever the constructor of a user's class raises
        return replace(part, block=None, error=f"{type(error).__name__}: {error}")
    if former is not None:
        block.bag = former.bag
    if isinstance(block, System) and not block.is_empty:
        part = replace(part, inside=drafted(block))
    return replace(part, block=block, error="")


def wrong(part: Part) -> str:
    """What is wrong with a part by itself; empty for nothing."""
    if part.inputs == ():
        return f"`{part.name}` reads nothing. Connect it with a block that it is to read."
    return part.error


# -- places in a draft


def paths(draft: Draft, prefix: str = "") -> Iterator[tuple[str, Part]]:
    """All parts, each with its path."""
    for part in draft:
        yield prefix + part.name, part
        yield from paths(part.inside, f"{prefix}{part.name}.")


def at(draft: Draft, path: str) -> Part:
    """The part at a path.

    Raises:
        UnknownNameError: if there is none.
    """
    found = dict(paths(draft))
    if path not in found:
        raise unknown("block", path, list(found))
    return found[path]


def within(draft: Draft, path: str, change: Callable[[Draft], Draft]) -> Draft:
    """The draft, with the parts of the system at `path` changed; an empty path is the outermost."""
    if not path:
        return change(draft)
    outer, _, rest = path.partition(".")
    at(draft, outer)
    return tuple(
        replace(part, inside=within(part.inside, rest, change)) if part.name == outer else part
        for part in draft
    )


def put(draft: Draft, path: str, part: Part) -> Draft:
    """The draft with another part at a path."""
    outer, _, name = path.rpartition(".")
    return within(draft, outer, lambda parts: tuple(part if p.name == name else p for p in parts))


# -- wiring


def reads(draft: Draft) -> chain.Reads:
    """What each part reads, also where it says nothing."""
    found, before = {}, SYSTEM_IN
    for part in draft:
        found[part.name] = (Wire(before),) if part.inputs is None else part.inputs
        before = part.name
    return found


def wired(draft: Draft, wanted: chain.Reads, *, sequential: bool) -> Draft:
    """The draft, its parts reading what is `wanted`; what its place gives it anyway is not written down."""
    parts, before = [], SYSTEM_IN
    for part in draft:
        now = wanted[part.name]
        silent = part.inputs is None and len(now) == 1 and chain._same(now[0], Wire(before))
        parts.append(replace(part, inputs=None if silent or sequential else now))
        before = part.name
    return tuple(parts)


def judges(cls: type[Block]) -> bool:
    """True for a loss or an evaluation."""
    return issubclass(cls, (LossLayer, EvalLayer))


def answer(draft: Draft, name: str | None = None) -> str:
    """The part called `name`; without it, or where it judges, the last part that judges nothing."""
    others = [part.name for part in draft if not judges(part.cls)]
    if name is not None and name in [SYSTEM_IN, *others]:
        return name
    return others[-1] if others else SYSTEM_IN


def inserted(draft: Draft, part: Part, after: str | None, *, sequential: bool) -> Draft:
    """The draft with a part after another, which what read that now reads; without it, at the end."""
    names = [p.name for p in draft]
    place = len(draft) if after is None else 0 if after == SYSTEM_IN else names.index(after) + 1
    together = (*draft[:place], part, *draft[place:])
    if place == len(draft):
        return together
    wanted = reads(draft)
    mine = reads(together)[part.name]
    if part.inputs is None:
        wanted = chain.between(wanted, after or SYSTEM_IN, part.name)
    return wired(together, {**wanted, part.name: mine}, sequential=sequential)


def removed(draft: Draft, name: str, *, sequential: bool) -> Draft:
    """The draft without a part: those that read it read what it read, if that is one value, or nothing."""
    rest = tuple(part for part in draft if part.name != name)
    try:
        wanted = chain.without(reads(draft), name)
    except BlockError:
        wanted = {
            reader: tuple(wire for wire in wires if wire.name != name or wire.constant is not None)
            for reader, wires in reads(draft).items()
            if reader != name
        }
    return wired(rest, wanted, sequential=sequential)


def renamed(draft: Draft, name: str, new: str, *, sequential: bool) -> Draft:
    """The draft with another name for a part."""
    wanted = chain.renamed(reads(draft), name, new)
    parts = tuple(replace(part, name=new) if part.name == name else part for part in draft)
    return wired(parts, wanted, sequential=sequential)
