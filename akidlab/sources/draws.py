"""Random numbers that belong to a sample: the same whatever batch, thread or process it comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from akidlab.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor


def draws(seed: int, epoch: int, rows: Int[Tensor, " rows"], number: int) -> Float[Tensor, "rows number"]:
    """`number` values in [0, 1) for each row, which depend on seed, epoch and the row alone.

    A generator that is asked in turn would give a sample other values in another batch; here each value is
    the hash of its place.

    Source: the output function of SplitMix64; Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", 2014.

    Example:
        >>> both = draws(seed=0, epoch=1, rows=torch.tensor([5, 7]), number=3)
        >>> both[1:].equal(draws(0, 1, torch.tensor([7]), 3))
        True
    """
    key = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)
    places = rows.cpu().numpy().astype(np.uint64)[:, None] * np.uint64(number) + np.arange(
        number, dtype=np.uint64
    )
    bits = key + (places + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return torch.from_numpy((bits >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def checked_seed(seed: int) -> int:
    """`seed`, if something can be drawn from it.

    Raises:
        DataError: if it is no whole number of 0 or more.
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise DataError(f"`seed` must be a whole number of 0 or more, found {seed!r}.")
    return seed
