"""Sequences: signals of `[batch, steps, features]`, and how what reads them tells that one does not fit."""

from __future__ import annotations

from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError


def check_sequence(block: Block, signal: Signal, what: str = "a sequence") -> None:
    """Raise a BlockError unless `signal` is a tensor of `[batch, steps, features]` with a step at least."""
    if not isinstance(signal, Tensor) or signal.dim() != 3 or not signal.shape[1]:
        raise BlockError(
            f"`{block.name}` wants {what} of N×steps×features, found {found(signal)}. Numbers without "
            "features become such a sequence by x.unsqueeze(-1)."
        )


def check_rate(block: Block, what: str, rate: object) -> float:
    """`rate`, if it is a probability that leaves something.

    Raises:
        BlockError: if it is no number of 0 or more and below 1.
    """
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate < 1:
        raise BlockError(f"`{what}` of `{block.name}` is a number of 0 or more and below 1, found {rate!r}.")
    return float(rate)
