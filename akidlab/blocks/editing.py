"""Editing: changing a system that is set up, as a whole or not at all."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from akidlab.blocks import chain
from akidlab.blocks.block import Block
from akidlab.blocks.edit import Edit, Picture
from akidlab.blocks.feedback import Memory
from akidlab.blocks.refit import Refit
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Signal
from akidlab.blocks.trial import Snapshot, trial
from akidlab.blocks.wiring import SYSTEM_IN, wires
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from akidlab.blocks.system import System


class UnderWay:
    """An edit that is being made.

    Args:
        root: the outermost system, to which shapes are fitted.
    """

    def __init__(self, root: System) -> None:
        self.root, self.refit, self.was_setup = root, Refit(), root.is_setup
        self.before, self.picture = Snapshot(root.modules()), Picture(root)
        self.acts: list[str] = []

    def take(self, block: object) -> None:
        """Note how a block is before it is changed, so that it can be put back."""
        if isinstance(block, Block):
            self.before.add(block.modules())


class Editing:
    """What a system offers to be changed while it lives.

    Each change is made as a whole or not at all. Where the system was set up, shapes are inferred again:
    parameters that still fit stay the very same tensors, so that an optimiser still knows them, others are
    made anew. Blocks within a system within this one are called `outer.inner`.
    """

    edits: list[Edit]
    _under_way: UnderWay | None
    _above: weakref.ref[System] | None
    _example: Signal

    def insert_after(self, name: str, *blocks: Block, seed: int | None = None) -> Edit:
        """Put blocks after the one called `name`; `system_in` for the very beginning.

        A block without `inputs` goes in between: it reads `name`, and what read `name` now reads it. A block
        with `inputs` is only placed there; `rewire` makes others read it.

        Args:
            name: of a block, or `system_in`.
            blocks: what to put there, in this order.
            seed: of the new parameters; without it one number is drawn from torch's global generator.

        Returns:
            What changed.

        Raises:
            UnknownNameError: if there is no such block.
            BlockError: if that cannot work; then nothing has changed.
        """
        owner, last = _place(self, name)
        with self.editing(seed=seed) as under_way:
            for block in blocks:
                under_way.take(block)
                _insert(owner, last, block)
                last = block.name
            added = ", ".join(f"`{block.name}`" for block in blocks)
            under_way.acts.append(f"inserted {added} after `{name}`")
        return self._last_edit()

    def replace(self, name: str, block: Block, *, seed: int | None = None) -> Edit:
        """Put `block` in the place of the one called `name`.

        Without a name of its own it takes that one, without `inputs` it reads the same. A block of the same
        class that is not set up yet takes over the weights that fit.

        Returns:
            What changed.

        Raises:
            UnknownNameError: if there is no such block.
            BlockError: if that cannot work; then nothing has changed.
        """
        owner, old = _place(self, name, block=True)
        former = owner.get_layer_by_name(old)
        with self.editing(seed=seed) as under_way:
            under_way.take(block)
            _replace(owner, old, block)
            under_way.refit.inherit(block, former)
            with_name = "" if block.name == old else f" `{block.name}`"
            under_way.acts.append(f"replaced `{name}` by {_kind(block)}{with_name}")
        return self._last_edit()

    def remove(self, *names: str, seed: int | None = None) -> Edit:
        """Take blocks out; what read one of them now reads what it read.

        Returns:
            What changed.

        Raises:
            UnknownNameError: if there is no such block.
            BlockError: if that cannot work, for instance since a block is read that reads several values;
                then nothing has changed.
        """
        places = [_place(self, name, block=True) for name in names]
        with self.editing(seed=seed) as under_way:
            for owner, name in places:
                _remove(owner, name)
            under_way.acts.append("removed " + ", ".join(f"`{name}`" for name in names))
        return self._last_edit()

    def rewire(
        self, name: str, inputs: Sequence[Mapping[str, object] | Tensor] | None, *, seed: int | None = None
    ) -> Edit:
        """Let the block called `name` read `inputs`; None for what the block before emits.

        Returns:
            What changed.

        Raises:
            UnknownNameError: if there is no such block.
            BlockError: if that cannot work; then nothing has changed.
        """
        owner, found = _place(self, name, block=True)
        if not owner.WIRED:
            raise BlockError(
                f"`{owner.name}` is sequential: `{found}` reads the block before. Use a GraphSystem to wire."
            )
        with self.editing(seed=seed) as under_way:
            block = owner.get_layer_by_name(found)
            block._rewire(wires(inputs))
            owner._changed()
            told = "what comes before" if block.inputs is None else ", ".join(map(str, block.inputs))
            under_way.acts.append(f"rewired `{name}` to {told}")
        return self._last_edit()

    @contextmanager
    def editing(self, *, seed: int | None = None) -> Iterator[UnderWay]:
        """Make several changes as one: shapes need to fit at the end only.

        What changed is the last of `edits`.

        Args:
            seed: of the new parameters; without it one number is drawn from torch's global generator.

        Raises:
            BlockError: at the end, if that cannot work; then nothing has changed.

        Example:
            >>> brain = Brain().attach(
            ...     InnerProductLayer(out_channel_num=4, name="a"),
            ...     InnerProductLayer(out_channel_num=4, name="b", inputs=[{"name": "system_in"}]),
            ...     MergeLayer(name="sum", inputs=[{"name": "a"}, {"name": "b"}]),
            ... )
            >>> _ = brain(torch.zeros(2, 3))
            >>> with brain.editing():
            ...     _ = brain.replace("a", InnerProductLayer(out_channel_num=8))
            ...     _ = brain.replace("b", InnerProductLayer(out_channel_num=8))
            >>> len(brain.edits), brain(torch.zeros(2, 3)).shape
            (1, torch.Size([2, 8]))
        """
        root = _outermost(cast("System", self))
        if root._under_way is not None:
            yield root._under_way
            return
        under_way = UnderWay(root)
        try:
            root._under_way = under_way
            yield under_way
            _fit(under_way, seed)
        except BaseException:
            under_way.before.restore()
            root._under_way = None
            raise
        root._under_way = None
        root.edits = [*root.edits, under_way.picture.edit(root, under_way.acts)]

    def _last_edit(self) -> Edit:
        """The edit that was just made; within others, which are not over, one that tells what was so far."""
        root = _outermost(cast("System", self))
        if root._under_way is not None:
            return root._under_way.picture.edit(root, root._under_way.acts)
        return root.edits[-1]


def _fit(under_way: UnderWay, seed: int | None) -> None:
    """Infer the shapes of the edited system again, where they were known."""
    root = under_way.root
    if root._example is not None or under_way.was_setup:
        start = Seed(Seed.given(seed).number, refit=under_way.refit)
        with trial(root):
            root._prepare(made_like(root._example, root), start)
    for system in [module for module in root.modules() if isinstance(module, Editing)]:
        memory = cast("System", system)._modules.get("_memory")
        if isinstance(memory, Memory):
            memory.keep_only({block.name: block.out_shape for block in cast("System", system).blocks})


def _insert(owner: System, after: str, block: Block) -> None:
    names = [b.name for b in owner.blocks]
    at = 0 if after == SYSTEM_IN else names.index(after) + 1
    wanted = chain.reads(owner) if owner.WIRED else {}
    owner._attach(block, at)
    if owner.WIRED:
        reads = chain.reads(owner)[block.name]
        if block.inputs is None:
            wanted = chain.between(wanted, after, block.name)
        chain.write(owner, {**wanted, block.name: reads})


def _replace(owner: System, name: str, block: Block) -> None:
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


def _remove(owner: System, name: str) -> None:
    wanted = chain.without(chain.reads(owner), name) if owner.WIRED else {}
    owner._detach(name)
    if owner.WIRED:
        chain.write(owner, wanted)


def attach(system: System, blocks: Sequence[Block]) -> None:
    """Put blocks at the end: an edit where the system around was set up, else a part of writing it down."""
    root = _outermost(system)
    if root._under_way is None and not root._is_setup:
        for block in blocks:
            system._attach(block)
        return
    with system.editing() as under_way:
        for block in blocks:
            under_way.take(block)
            system._attach(block)
        under_way.acts.append("attached " + ", ".join(f"`{block.name}`" for block in blocks))


def _place(system: Editing, path: str, *, block: bool = False) -> tuple[System, str]:
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


def _outermost(system: System) -> System:
    while system._above is not None:
        above = system._above()
        if above is None or above._modules.get(system.name) is not system:
            break
        system = above
    return system


def _kind(block: Block) -> str:
    name = type(block).__name__
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def example_of(signal: Signal) -> Signal:
    """What is needed to make a signal of the same shapes and types, without its numbers."""
    if isinstance(signal, (list, tuple)):
        return [example_of(part) for part in signal]
    return torch.empty_like(signal, device="meta") if isinstance(signal, Tensor) else signal


def made_like(example: Signal, root: System) -> Signal:
    """Zeros of the shapes and types of `example`, where `root` is and of the type of its numbers."""
    if isinstance(example, list):
        return [made_like(part, root) for part in example]
    if not isinstance(example, Tensor):
        return example
    held = next((p for p in root.parameters() if p.is_floating_point()), None)
    kind = held.dtype if held is not None and example.is_floating_point() else example.dtype
    return torch.zeros(example.shape, dtype=kind, device=None if held is None else held.device)
