"""The order of the samples in an epoch: the same on every rank, from the seed and the epoch alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor


def order(length: int, seed: int, epoch: int) -> Int[Tensor, " length"]:
    """A permutation of `length` samples that depends on the seed and the epoch, and on nothing else.

    Seed and epoch are mixed well, so that epoch 1 of seed 0 is not epoch 0 of seed 1.

    Example:
        >>> order(5, seed=0, epoch=3).equal(order(5, seed=0, epoch=3))
        True
    """
    mixed = int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0])
    return torch.randperm(length, generator=torch.Generator().manual_seed(mixed >> 1))


def share(first: int, last: int, rank: int, size: int) -> tuple[int, int]:
    """The part of `first` to `last` that falls to `rank` of `size`: parts differ by one sample at most.

    Example:
        >>> [share(0, 10, rank, 3) for rank in range(3)]
        [(0, 3), (3, 6), (6, 10)]
    """
    length = last - first
    return first + length * rank // size, first + length * (rank + 1) // size
