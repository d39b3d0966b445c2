"""Source: where data live."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from akidlab.errors import unknown

if TYPE_CHECKING:
    from torch import Tensor

_PARTS = {"train": "training", "val": "validation", "test": "test"}


class Source(ABC):
    """Where data live: a training part, and perhaps a validation and a test part.

    A part is a tuple of tensors of equal length, the labels last. Parts are read when first asked for.

    Args:
        name: what to call it; by default its kind, such as `digits`.
    """

    NAME = "source"

    def __init__(self, *, name: str | None = None) -> None:
        self.name = name or self.NAME

    @property
    @abstractmethod
    def training(self) -> tuple[Tensor, ...]:
        """The tensors to learn from, the labels last."""

    @property
    def validation(self) -> tuple[Tensor, ...] | None:
        """The tensors to validate with while learning, None if there are none."""
        return None

    @property
    def test(self) -> tuple[Tensor, ...] | None:
        """The tensors to judge the result by, None if there are none."""
        return None

    def setup(self) -> None:
        """Read what is needed now, so that an error shows before training starts."""
        _ = self.training

    def part(self, mode: str) -> tuple[Tensor, ...] | None:
        """The part of a mode: `train`, `val` or `test`.

        Raises:
            UnknownNameError: if the mode is none of these.
        """
        if mode not in _PARTS:
            raise unknown("mode", mode, _PARTS)
        return getattr(self, _PARTS[mode])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample, without the batch."""
        return tuple(self.training[0].shape[1:])

    @property
    def num_train(self) -> int:
        """How many samples there are to learn from."""
        return len(self.training[0])

    @property
    def num_val(self) -> int:
        """How many samples there are to validate with."""
        return _length(self.validation)

    @property
    def num_test(self) -> int:
        """How many samples there are to test with."""
        return _length(self.test)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.shape)) or "one number"
        more = "".join(
            f", {n} for {what}" for n, what in ((self.num_val, "validation"), (self.num_test, "test")) if n
        )
        return f"{type(self).__name__} {self.name!r}: {self.num_train} training samples of {shape}{more}"


def _length(part: tuple[Tensor, ...] | None) -> int:
    return 0 if part is None else len(part[0])
