"""Editing: changing a system that is set up, as a whole or not at all."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.edit import Edit
from akidlab.blocks.moves import insert, place, put_in_place, take_out
from akidlab.blocks.signal import Signal
from akidlab.blocks.underway import UnderWay, outermost
from akidlab.blocks.wiring import wires
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from akidlab.blocks.system import System


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
        owner, last = place(self, name)
        with self.editing(seed=seed) as under_way:
            for block in blocks:
                under_way.take(block)
                insert(owner, last, block)
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
        owner, old = place(self, name, block=True)
        former = owner.get_layer_by_name(old)
        with self.editing(seed=seed) as under_way:
            under_way.take(block)
            put_in_place(owner, old, block)
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
        places = [place(self, name, block=True) for name in names]
        with self.editing(seed=seed) as under_way:
            for owner, name in places:
                take_out(owner, name)
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
        owner, found = place(self, name, block=True)
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
        root = outermost(cast("System", self))
        if root._under_way is not None:
            yield root._under_way
            return
        under_way = UnderWay(root)
        try:
            root._under_way = under_way
            yield under_way
            under_way.fit(seed)
        except BaseException:
            under_way.before.restore()
            root._under_way = None
            raise
        root._under_way = None
        root.edits = [*root.edits, under_way.picture.edit(root, under_way.acts)]

    def _last_edit(self) -> Edit:
        """The edit that was just made; within others, which are not over, one that tells what was so far."""
        root = outermost(cast("System", self))
        if root._under_way is not None:
            return root._under_way.picture.edit(root, root._under_way.acts)
        return root.edits[-1]


def attach(system: System, blocks: Sequence[Block]) -> None:
    """Put blocks at the end: an edit where the system around was set up, else a part of writing it down."""
    root = outermost(system)
    if root._under_way is None and not root._is_setup:
        for block in blocks:
            system._attach(block)
        return
    with system.editing() as under_way:
        for block in blocks:
            under_way.take(block)
            system._attach(block)
        under_way.acts.append("attached " + ", ".join(f"`{block.name}`" for block in blocks))


def _kind(block: Block) -> str:
    name = type(block).__name__
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
