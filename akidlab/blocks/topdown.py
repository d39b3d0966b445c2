"""Top-down: the way back through a block, from what it emits to what it may have been given."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import Tensor

from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from akidlab.blocks.block import Block


class TopDown:
    """What a block offers to be run backward, after a pass forward."""

    @property
    def data_g(self) -> Signal:
        """What its last run backward gave; None before."""
        return cast("Block", self)._kept[1]

    def backward(self, signal: Tensor) -> Tensor:
        """What the block may have been given when it emitted `signal`; only some blocks know.

        It is the generative way of a layer (not the backward pass of autograd, though gradients flow
        through it): a convolution runs transposed, a pooling puts values back where it found them.

        Args:
            signal: shaped like the value of the last pass.

        Raises:
            BlockError: if the block has no way back, or no pass forward was made.
        """
        name = cast("Block", self).name
        raise BlockError(
            f"`{name}` ({type(self).__name__}) has no way back: it cannot be run backward. Leave it out of "
            "a generative system, or write a `backward(signal)` for it."
        )


def given(block: Block) -> tuple[int, ...]:
    """The shape of the tensor that `block` was given, to which the way back leads.

    Raises:
        BlockError: if it was not given one yet.
    """
    if not isinstance(block.in_shape, tuple):
        raise BlockError(f"`{block.name}` has not been given an input yet. Call it before its `backward`.")
    return block.in_shape  # type: ignore[return-value]


def check_emitted(block: Block, signal: Signal, shape: tuple[int, ...]) -> None:
    """Raise a BlockError unless a sample of `signal` is of the `shape` that `block` emits."""
    if not isinstance(signal, Tensor) or tuple(signal.shape[1:]) != shape:
        wanted = "×".join(map(str, ("N", *shape)))
        raise BlockError(
            f"`backward` of `{block.name}` wants what the block emits, {wanted}, found {found(signal)}."
        )
