"""Copies of blocks: independent ones, and ones that share parameters."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, TypeVar, cast

from akidlab.errors import BlockError

if TYPE_CHECKING:
    from typing_extensions import Self

    from akidlab.blocks.block import Block


C = TypeVar("C", bound="Copies")


class Copies:
    """What a block offers to be copied, and akid's names for its modes."""

    training: bool

    def get_clone(self, name: str | None = None) -> Self:
        """An independent copy, with parameters of its own, called `name` if given."""
        return _named(deepcopy(self), name)

    def get_copy(self, name: str | None = None) -> Self:
        """A copy that shares the parameters and running statistics of this one, called `name` if given.

        Raises:
            BlockError: if it is not set up: there would be nothing to share yet.
        """
        block = cast("Block", self)
        if not block.is_setup:
            raise BlockError(
                f"`{block.name}` is not set up, so a copy could not share its parameters. "
                "Call `setup` with an example input first, or take an independent `get_clone()`."
            )
        shared = [*block.parameters(), *block.buffers()]
        return _named(deepcopy(self, {id(tensor): tensor for tensor in shared}), name)

    def get_val_copy(self) -> Self:
        """A copy that shares the parameters and is in validation mode."""
        copy = self.get_copy()
        copy.set_val(True)
        return copy

    def get_shadow_copy(self) -> Self:
        """A copy that shares the parameters and whose set-up calls no hooks: a replica at work elsewhere."""
        copy = self.get_copy()
        copy.set_shadow()
        return copy

    def set_shadow(self) -> None:
        """Let this be a shadow, with all within: its set-up calls no hooks."""
        for module in cast("Block", self).modules():
            if isinstance(module, Copies):
                cast("Block", module).is_shadow = True

    @property
    def is_val(self) -> bool:
        """True in validation mode: akid's name for `not training`."""
        return not self.training

    @property
    def mode(self) -> str:
        """akid's name for what `training` says: `train` or `val`."""
        return "train" if self.training else "val"

    def set_val(self, val: bool) -> None:
        """Switch validation mode on or off: akid's name for `eval()` and `train()`."""
        cast("Block", self).train(not val)


def _named(copy: C, name: str | None) -> C:
    if name is not None:
        cast("Block", copy)._rename(name)
    return copy
