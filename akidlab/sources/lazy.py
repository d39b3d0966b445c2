"""LazySource: samples that are read when they are asked for, since together they may not fit in memory."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from akidlab.sources.source import Source

if TYPE_CHECKING:
    from torch import Tensor

    from akidlab.sources.source import Indices


class LazySource(Source):
    """Samples that are read when they are asked for, since together they may not fit in memory.

    A qualified source brings `size` and `fetch`. Its parts can still be had as tensors (`training`), for
    small sets and for a look: all their samples are read then.

    Args:
        name: what to call it.

    Example:
        >>> class Waves(LazySource):
        ...     def size(self, mode="train"):
        ...         return 1000 if mode == "train" else 0
        ...
        ...     def fetch(self, mode, indices, epoch=0):
        ...         rows = self.rows(mode, indices)
        ...         return torch.sin(rows[:, None] * torch.linspace(0, 1, 50)), rows % 2
        >>> Waves()
        Waves 'lazy': 1000 training samples of 50
        >>> tuple(Waves().fetch("train", [3, 999])[0].shape)
        (2, 50)
    """

    NAME = "lazy"
    in_memory = False

    @abstractmethod
    def size(self, mode: str = "train") -> int:
        """How many samples the part of a mode has, 0 where there is none."""

    @abstractmethod
    def fetch(self, mode: str, indices: Indices, epoch: int = 0) -> tuple[Tensor, ...]:
        """Some samples of a part, as batches."""

    def setup(self) -> None:
        """Read one sample, so that an error shows before training starts."""
        self.fetch("train", [0])

    @property
    def training(self) -> tuple[Tensor, ...]:
        return self.fetch("train", range(self.size("train")))

    @property
    def validation(self) -> tuple[Tensor, ...] | None:
        return self.fetch("val", range(size)) if (size := self.size("val")) else None

    @property
    def test(self) -> tuple[Tensor, ...] | None:
        return self.fetch("test", range(size)) if (size := self.size("test")) else None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.fetch("train", [0])[0].shape[1:])

    @property
    def num_train(self) -> int:
        return self.size("train")

    @property
    def num_val(self) -> int:
        return self.size("val")

    @property
    def num_test(self) -> int:
        return self.size("test")
