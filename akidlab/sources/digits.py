"""DigitsSource: real handwriting that comes with scikit-learn, so that no network is needed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from akidlab.errors import DataError
from akidlab.sources.draws import checked_seed
from akidlab.sources.source import Source

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor


class DigitsSource(Source):
    """1,797 handwritten digits of 1x8x8 from scikit-learn, values between -0.5 and 0.5.

    They were collected by E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998.

    Args:
        num_val: how many of them to keep for validation; which ones depends on `seed` alone.
        seed: shuffles them before they are divided.
        name: what to call it.

    Raises:
        DataError: if `num_val` leaves nothing to learn from, or the seed is negative.

    Example:
        >>> DigitsSource()
        DigitsSource 'digits': 1437 training samples of 1x8x8, 360 for validation
    """

    NAME = "digits"

    def __init__(self, num_val: int = 360, seed: int = 0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        if not 0 <= num_val < 1797:
            raise DataError(f"There are 1797 digits: `num_val` must be between 0 and 1796, found {num_val}.")
        self.num_val_wanted, self.seed = num_val, checked_seed(seed)

    @property
    def training(self) -> tuple[Tensor, ...]:
        return _divided(self.num_val_wanted, self.seed)[0]

    @property
    def validation(self) -> tuple[Tensor, ...] | None:
        return _divided(self.num_val_wanted, self.seed)[1] if self.num_val_wanted else None


@lru_cache(maxsize=1)
def _digits() -> tuple[Float[Tensor, "1797 1 8 8"], Int[Tensor, " 1797"]]:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images = (np.asarray(pixels, dtype=np.float32) / 16 - 0.5).reshape(-1, 1, 8, 8)
    return torch.from_numpy(images), torch.from_numpy(np.asarray(labels, dtype=np.int64))


@lru_cache(maxsize=4)
def _divided(num_val: int, seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    images, labels = _digits()
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(images)))
    train, val = order[: len(order) - num_val], order[len(order) - num_val :]
    return (images[train], labels[train]), (images[val], labels[val])
