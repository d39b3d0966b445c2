"""Channels: the second dimension of a signal, and how what reads it tells that something does not fit."""

from __future__ import annotations

from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError


def check_channels(block: Block, signal: Signal, *, least: int = 2) -> None:
    """Raise a BlockError unless `signal` is a tensor of `[batch, channels, ...]` with `least` dimensions."""
    if isinstance(signal, Tensor) and signal.dim() >= least:
        return
    wanted = "×".join(["N", "channels", *["size"] * (least - 2), "..."])
    raise BlockError(f"`{block.name}` wants a tensor of {wanted}, found {found(signal)}.")


def check_groups(block: Block, signal: Tensor, *, size: int, what: str = "group_size") -> None:
    """Raise a BlockError unless the channels of `signal` come in groups of `size`."""
    if signal.shape[1] % size:
        raise BlockError(
            f"`{block.name}` wants channels in groups of {size}, found {signal.shape[1]} channels in an "
            f"input of {found(signal)}. Correct `{what}`, or how many channels the block before emits."
        )


def whole_number(block: Block, what: str, value: object) -> int:
    """`value`, if it can count something.

    Raises:
        BlockError: if it is not a whole number of 1 or more.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BlockError(f"`{what}` of `{block.name}` is a number of 1 or more, found {value!r}.")
    return value
