"""Draw: what chance decides for each sample of a batch, the same on any number of ranks and workers."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor

_WORDS = 4  # 64-bit words that Philox gives at a time: so many draws are made together
_UNIT = 2.0**-53


class Draw:
    """What chance decides for each sample of a batch, from a seed and the place of the sample alone.

    The numbers of a sample depend on `path` and on its place among all samples, not on the batch that it
    comes in: however samples are divided into batches, ranks and workers, each meets the same fate. They
    come from a counter-based generator (Philox-4x64-10, Salmon et al., 2011), so no state is kept.

    Args:
        path: what they are drawn from: the seed, the epoch, the joker.
        first: the place of the first sample.
        last: the place after the last sample.
        batch: the first and last place of the batch over all ranks, of which these samples are a part.

    Example:
        >>> whole, part = Draw((7,), 0, 4), Draw((7,), 2, 4)
        >>> part.uniform().equal(whole.uniform()[2:])
        True
    """

    def __init__(
        self, path: tuple[int, ...], first: int, last: int, batch: tuple[int, int] | None = None
    ) -> None:
        self.path, self.first, self.last = path, first, last
        self.batch = batch or (first, last)
        self._made = 0
        self._words: np.ndarray = np.empty((0, _WORDS))

    @classmethod
    def fresh(cls, samples: int) -> Draw:
        """One for `samples` that stand alone, seeded by torch's global generator."""
        return cls((int(torch.randint(2**62, ())),), 0, samples)

    def __len__(self) -> int:
        return self.last - self.first

    def of(self, number: int) -> Draw:
        """The one for joker `number` of a system."""
        return Draw((*self.path, number), self.first, self.last, self.batch)

    def again(self) -> Draw:
        """The same once more, from its beginning."""
        return Draw(self.path, self.first, self.last, self.batch)

    @property
    def seed(self) -> int:
        """A seed for whoever needs one: the same for all samples of a batch, and on all ranks."""
        return int.from_bytes(_digest((*self.path, *self.batch))[:7], "little")

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Float[Tensor, " batch"]:
        """A number for each sample, from `low` to `high`."""
        unit = torch.from_numpy(self._next())
        return unit.float() if (low, high) == (0.0, 1.0) else (low + (high - low) * unit).float()

    def integers(self, low: int, high: int) -> Int[Tensor, " batch"]:
        """A whole number for each sample, from `low` up to, but not, `high`."""
        return torch.from_numpy((self._next() * (high - low)).astype(np.int64) + low)

    def chance(self, probability: float) -> Bool[Tensor, " batch"]:
        """True for each sample with `probability`."""
        return torch.from_numpy(self._next() < probability)

    def _next(self) -> np.ndarray:
        """A number in [0, 1) for each sample."""
        column = self._made % _WORDS
        if column == 0:
            key = np.frombuffer(_digest((*self.path, self._made // _WORDS)), dtype="<u8")
            philox = np.random.Philox(key=key, counter=[self.first, 0, 0, 0])
            self._words = philox.random_raw(_WORDS * len(self)).reshape(-1, _WORDS)
        self._made += 1
        return (self._words[:, column] >> np.uint64(11)) * _UNIT


def _digest(numbers: tuple[int, ...]) -> bytes:
    return hashlib.blake2b(",".join(map(str, numbers)).encode(), digest_size=16).digest()
