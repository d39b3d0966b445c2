"""Orders: what a sensor may be told about the order of its training samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from akidlab.errors import DataError
from akidlab.sensors import samplers
from akidlab.sensors.order import order

if TYPE_CHECKING:
    from torch import Tensor

    #: Gives the rows of an epoch: `f(length, seed, epoch)`.
    Order = Callable[[int, int, int], Tensor | Sequence[int]]


def rows(sampler: str | Order, length: int, seed: int, epoch: int) -> Tensor:
    """The rows of an epoch, in the order that a sampler gives them.

    Args:
        sampler: `shuffle`, `sequence`, the name of a registered sampler, or a function of the number of
            samples, the seed and the epoch.
        length: how many samples there are.
        seed: what chance draws from.
        epoch: which epoch.

    Raises:
        UnknownNameError: if there is no such sampler.
        DataError: if what it gives are not as many rows as there are samples.

    Example:
        >>> rows("sequence", 4, seed=0, epoch=0).tolist()
        [0, 1, 2, 3]
        >>> rows(lambda length, seed, epoch: range(length - 1, -1, -1), 4, seed=0, epoch=0).tolist()
        [3, 2, 1, 0]
    """
    if sampler == "shuffle":
        return order(length, seed, epoch)
    if sampler == "sequence":
        return torch.arange(length)
    given = _registered(sampler, length, epoch) if isinstance(sampler, str) else sampler(length, seed, epoch)
    found = torch.as_tensor(given, dtype=torch.int64).cpu()
    if found.shape != (length,) or not 0 <= int(found.min()) <= int(found.max()) < length:
        raise DataError(
            f"A sampler gives as many rows as there are samples, {length}, each from 0 to {length - 1} (they "
            f"may repeat); found {found.numel()}, beginning with {found.flatten()[:5].tolist()}."
        )
    return found


def _registered(name: str, length: int, epoch: int) -> list[int]:
    sampler = samplers.get(name, length)
    for _ in range(epoch):
        sampler.reset()
    return sampler.next(length)
