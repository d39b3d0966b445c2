"""Samplers: in which order the samples of a source are drawn."""

from __future__ import annotations

from abc import ABC, abstractmethod

from akidlab.errors import DataError, unknown
from akidlab.events import EpochCompletedEvent
from akidlab.sensors.order import order

__all__ = ["Sampler", "SequenceSampler", "ShuffleSampler", "get", "register"]


class Sampler(ABC):
    """In which order samples are drawn: some numbers at a time, each once in an epoch.

    The last draw of an epoch may be short. The one after it raises `EpochCompletedEvent`; the next begins
    another epoch.

    Args:
        length: how many samples there are.

    Raises:
        DataError: if there are none.
    """

    def __init__(self, length: int) -> None:
        if length < 1:
            raise DataError(f"A sampler needs a sample at least, found a `length` of {length}.")
        self.length = length
        self.epoch = self.index = 0
        self._rows = self._order()

    def next(self, size: int = 1) -> list[int]:
        """The numbers of the next `size` samples, fewer at the end of an epoch.

        Raises:
            EpochCompletedEvent: if all were drawn.
            DataError: if `size` is not 1 or more.
        """
        if size < 1:
            raise DataError(f"`size` must be 1 or more, found {size}.")
        if self.index >= self.length:
            self.reset()
            raise EpochCompletedEvent
        rows = self._rows[self.index : self.index + size]
        self.index += len(rows)
        return rows

    def reset(self) -> None:
        """Begin another epoch."""
        self.epoch, self.index = self.epoch + 1, 0
        self._rows = self._order()

    @abstractmethod
    def _order(self) -> list[int]:
        """The order of all samples in this epoch."""


class SequenceSampler(Sampler):
    """Draws the samples in the order of the source.

    Example:
        >>> sampler = SequenceSampler(5)
        >>> [sampler.next(2) for _ in range(3)]
        [[0, 1], [2, 3], [4]]
    """

    def _order(self) -> list[int]:
        return list(range(self.length))


class ShuffleSampler(Sampler):
    """Draws the samples in an order that depends on the seed and the epoch alone, as sensors do.

    Args:
        length: how many samples there are.
        seed: what the order is drawn from.

    Raises:
        DataError: if there are no samples.

    Example:
        >>> sorted(ShuffleSampler(5, seed=1).next(5))
        [0, 1, 2, 3, 4]
    """

    def __init__(self, length: int, seed: int = 0) -> None:
        self.seed = seed
        super().__init__(length)

    def _order(self) -> list[int]:
        return order(self.length, self.seed, self.epoch).tolist()


_SAMPLERS: dict[str, type[Sampler]] = {"sequence": SequenceSampler, "shuffle": ShuffleSampler}


def get(name: str, length: int) -> Sampler:
    """The sampler called `name`: `sequence`, `shuffle`, or one that was registered.

    Raises:
        UnknownNameError: if there is none.

    Example:
        >>> get("sequence", 3).next(3)
        [0, 1, 2]
    """
    if name not in _SAMPLERS:
        raise unknown("sampler", name, _SAMPLERS)
    return _SAMPLERS[name](length)


def register(name: str, sampler: type[Sampler]) -> None:
    """Let `get` find `sampler` by `name`: it is called with the number of samples."""
    _SAMPLERS[name] = sampler
