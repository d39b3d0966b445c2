"""Source: where data live."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from akidlab.errors import DataError, unknown

if TYPE_CHECKING:
    from torch import Tensor

    Indices = Sequence[int] | Tensor

_PARTS = {"train": "training", "val": "validation", "test": "test"}


class Source(ABC):
    """Where data live: a training part, and perhaps a validation and a test part.

    A part is a tuple of tensors of equal length, the labels last. Parts are read when first asked for.

    Args:
        name: what to call it; by default its kind, such as `digits`.
    """

    NAME = "source"
    #: True where `part` gives tensors that lie in memory; False where samples are better had by `fetch`.
    in_memory: bool = True

    def __init__(self, *, name: str | None = None) -> None:
        self.name = name or self.NAME

    @staticmethod
    def of(what: Any) -> Source:
        """The source meant by itself, by arrays such as `(x, y)`, or by a torch `Dataset`.

        Raises:
            KindError: if it is none of these.
            DataError: if the arrays or the data set cannot be used.

        Example:
            >>> Source.of((torch.zeros(6, 1, 8, 8), torch.arange(6)))
            ArraySource 'array': 6 training samples of 1x8x8
        """
        from akidlab.sources.meant import meant

        return meant(what)

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
        check_mode(mode)
        return getattr(self, _PARTS[mode])

    def size(self, mode: str = "train") -> int:
        """How many samples the part of a mode has, 0 where there is none.

        Raises:
            UnknownNameError: if the mode is none of `train`, `val`, `test`.
        """
        check_mode(mode)
        return getattr(self, f"num_{mode}")

    def fetch(self, mode: str, indices: Indices, epoch: int = 0) -> tuple[Tensor, ...]:
        """Some samples of a part, as batches: the tensors of `part`, with the given rows alone.

        It may be called from threads and from other processes, in any order: what comes depends on the
        arguments alone.

        Args:
            mode: `train`, `val` or `test`.
            indices: which samples, from 0 on, as numbers or a tensor of them; they may repeat.
            epoch: for sources that vary their samples (random crops): draws are made anew each epoch.

        Raises:
            DataError: if there is no such part or no such sample.

        Example:
            >>> from akidlab import DigitsSource
            >>> images, labels = DigitsSource().fetch("val", [3, 1])
            >>> tuple(images.shape), tuple(labels.shape)
            ((2, 1, 8, 8), (2,))
        """
        rows = self.rows(mode, indices)
        return tuple(tensor.index_select(0, rows.to(tensor.device)) for tensor in self.part(mode) or ())

    def get(self, indices: Indices, mode: str = "train") -> tuple[Tensor, ...]:
        """akid's name of `fetch`."""
        return self.fetch(mode, indices)

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

    def rows(self, mode: str, indices: Indices) -> Tensor:
        """`indices` as a tensor, if there are such samples.

        Raises:
            DataError: if there are not.
        """
        size = self.size(mode)
        if not size:
            raise DataError(f"The source `{self.name}` has no `{mode}` part. Give it one.")
        rows = torch.as_tensor(indices, dtype=torch.int64)
        if rows.dim() != 1:
            raise DataError(
                f"Samples are asked for by a list of numbers, found {rows.dim()} axes: `[3]`, not `3`."
            )
        if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < size:
            wrong = next(i for i in rows.tolist() if not 0 <= i < size)
            raise DataError(
                f"The `{mode}` part of `{self.name}` has no sample {wrong}: there are {size}, from 0 on."
            )
        return rows

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.shape)) or "one number"
        more = "".join(
            f", {n} for {what}" for n, what in ((self.num_val, "validation"), (self.num_test, "test")) if n
        )
        return f"{type(self).__name__} {self.name!r}: {self.num_train} training samples of {shape}{more}"


def check_mode(mode: str) -> None:
    """See that `mode` is one.

    Raises:
        UnknownNameError: if it is none of `train`, `val`, `test`.
    """
    if mode not in _PARTS:
        raise unknown("mode", mode, _PARTS)


def _length(part: tuple[Tensor, ...] | None) -> int:
    return 0 if part is None else len(part[0])
