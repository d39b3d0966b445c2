"""Refitting: a block that an edit gives another input is set up anew, and keeps what still fits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from akidlab.blocks.signal import Shape, Signal, shape_of
from akidlab.blocks.updates import SUFFIX

if TYPE_CHECKING:
    from akidlab.blocks.block import Block

REGISTERS = ("_parameters", "_buffers", "_modules")
_FIXED = ("_is_setup", "_made", *REGISTERS)


@dataclass
class Made:
    """What a set-up made of a block: how its attributes were before, and which are new.

    Args:
        before: the attributes that were changed, with what they held.
        added: the attributes that were not there.
        registers: parameters, buffers and modules that were made, with what was in their place.
    """

    before: dict[str, Any] = field(default_factory=dict)
    added: set[str] = field(default_factory=set)
    registers: dict[str, dict[str, Any]] = field(default_factory=dict)


@contextmanager
def recorded(block: Block) -> Iterator[None]:
    """Note what the set-up within makes of `block`, so that it can be set up anew."""
    were = dict(vars(block))
    held = {key: dict(were[key]) for key in REGISTERS}
    yield
    now = {key: value for key, value in vars(block).items() if key not in _FIXED}
    block._made = Made(
        before={k: were[k] for k, value in now.items() if k in were and were[k] is not value},
        added={k for k in now if k not in were},
        registers={key: _changed(held[key], vars(block)[key]) for key in REGISTERS},
    )


def _changed(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    return {key: before.get(key) for key, value in now.items() if before.get(key) is not value}


@dataclass
class Held:
    """The tensors of a block as it was: what its successor may keep."""

    parameters: dict[str, nn.Parameter]
    buffers: dict[str, Tensor]


def held(block: Block) -> Held:
    """The tensors of `block`, by name."""
    return Held(dict(block.named_parameters()), dict(block.named_buffers()))


class Refit:
    """The refitting that one edit asks for.

    What fits is kept as the very same tensor, so that an optimiser still knows it. Blocks that shared a
    parameter share what was made in its place.
    """

    def __init__(self) -> None:
        self._heirs: dict[int, Held] = {}
        self._remade: dict[int, tuple[Tensor, Tensor]] = {}  # the old one too: its id stays its own

    def inherit(self, block: Block, former: Block) -> None:
        """Let `block`, which takes the place of `former`, keep those of its weights that fit."""
        if type(block) is not type(former) or block.is_setup:
            return
        inner = {b.name: b for b in _blocks(former)}
        if inner:
            for child in _blocks(block):
                if child.name in inner:
                    self.inherit(child, inner[child.name])
        elif former.is_setup:
            self._heirs[id(block)] = held(former)

    def start(self, block: Block, signal: Signal) -> Held | None:
        """What `block` may keep if it is to be set up now, or set up anew since its input has changed."""
        if not block.is_setup:
            return self._heirs.get(id(block))
        if signal is None or _sample(shape_of(signal)) == _sample(block.in_shape):
            return None
        return _forget(block)

    def finish(self, block: Block, before: Held) -> None:
        """Put back what fits into a block that was just set up."""
        kept = set()
        for name, owner, key, made in _slots(block, "_parameters"):
            old = before.parameters.get(name)
            if old is not None:
                setattr(owner, key, self._fitting(old, made))
                if old.shape == made.shape:
                    kept.add(name.replace(".", "_") + SUFFIX)
        slots = list(_slots(block, "_buffers"))
        same = all(
            before.buffers[n].shape == b.shape
            for n, _, _, b in slots
            if n in before.buffers and not n.endswith(SUFFIX)
        )
        for name, owner, key, _ in slots:  # running statistics belong together: all of them, or none
            if name in before.buffers and (name in kept if name.endswith(SUFFIX) else same):
                setattr(owner, key, before.buffers[name])

    def _fitting(self, old: nn.Parameter, made: Tensor) -> Tensor:
        if old.shape == made.shape:
            return old
        made.requires_grad_(old.requires_grad)
        _, shared = self._remade.setdefault(id(old), (old, made))
        return shared if shared.shape == made.shape else made


def _forget(block: Block) -> Held:
    before, made = held(block), block._made
    block._is_setup = False
    if made is None:  # it makes nothing at set-up, or was made by hand
        return before
    for key in made.added:
        vars(block).pop(key, None)
    vars(block).update(made.before)
    for register, names in made.registers.items():
        for name, value in names.items():
            vars(block)[register][name] = value
            if value is None and register == "_modules":
                del vars(block)[register][name]
    return before


def _slots(block: Block, register: str) -> Iterator[tuple[str, nn.Module, str, Tensor]]:
    for path, module in block.named_modules():
        for key, tensor in vars(module)[register].items():
            if tensor is not None:
                yield f"{path}.{key}" if path else key, module, key, tensor


def _sample(shape: Shape) -> Shape:
    """A shape without its batch."""
    if isinstance(shape, list):
        return [_sample(part) for part in shape]
    return shape[1:] if shape else shape


def _blocks(block: Block) -> list[Block]:
    return list(getattr(block, "blocks", ()))
