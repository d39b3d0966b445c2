"""Span: which samples make a batch."""

from __future__ import annotations

from typing import NamedTuple

MODES = ("train", "val", "test")


class Span(NamedTuple):
    """Which samples make a batch: a stretch of an epoch, and this rank's share of it.

    A batch is made from its span and nothing else, so that it is the same whoever makes it, and whenever.
    """

    #: What the order and the jokers draw from.
    seed: int
    #: `train`, `val` or `test`.
    mode: str
    #: Which epoch; 0 for validation and test.
    epoch: int
    #: The first and last place, in the order of the epoch, of this rank's share.
    first: int
    last: int
    #: The same of the batch over all ranks.
    batch: tuple[int, int]
