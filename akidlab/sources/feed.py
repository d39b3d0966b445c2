"""FeedSource: a published data set, divided once for all into training and test samples, in memory."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from akidlab.errors import DataError
from akidlab.sources.source import Source

if TYPE_CHECKING:
    from torch import Tensor


class FeedSource(Source):
    """A published data set, divided once for all into training and test samples, in memory.

    Training samples are the first `num_train` of the training samples. Validation samples are the last
    `num_val` of them, if both fit; if not, they are the first `num_val` test samples. The test part is always
    all the test samples. A qualified source says how many there are and how they are read.

    Args:
        num_train: how many samples to learn from, all that are not for validation by default.
        num_val: how many samples to validate with.
        validation_rate: the part of the training samples to validate with, in place of both numbers.
        name: what to call it.

    Raises:
        DataError: if the numbers cannot be had.
    """

    #: What it is called in messages, how many training and test samples it has, and the shape of one.
    TITLE = "The data set"
    NUM_TRAIN, NUM_TEST = 0, 0
    SHAPE: tuple[int, ...] = ()

    def __init__(
        self,
        num_train: int | None,
        num_val: int,
        *,
        validation_rate: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        there, tests = self.NUM_TRAIN, self.NUM_TEST
        if validation_rate is not None:
            num_val = _held_out(validation_rate, there)
            num_train = there - num_val
        if num_train is None:
            num_train = there - num_val
        if not 1 <= num_train <= there:
            raise DataError(
                f"{self.TITLE} has {there} training images: `num_train` must lie in 1 to {there}, found "
                f"{num_train}."
            )
        self.held_out = num_train + num_val <= there
        if not 0 <= num_val <= (there - num_train if self.held_out else tests):
            raise DataError(
                f"`num_val` is {num_val}, but `num_train` leaves {there - num_train} of the {there} "
                f"training images, and there are {tests} test images. Make one of them smaller."
            )
        self._num_train, self._num_val = num_train, num_val

    @abstractmethod
    def _read(self, which: str, first: int, last: int) -> tuple[Tensor, ...]:
        """The samples `first` to `last` of `train` or `test`, fetched where they are missing."""

    @property
    def training(self) -> tuple[Tensor, ...]:
        return self._read("train", 0, self._num_train)

    @property
    def validation(self) -> tuple[Tensor, ...] | None:
        if not self._num_val:
            return None
        if self.held_out:
            return self._read("train", self.NUM_TRAIN - self._num_val, self.NUM_TRAIN)
        return self._read("test", 0, self._num_val)

    @property
    def test(self) -> tuple[Tensor, ...]:
        return self._read("test", 0, self.NUM_TEST)

    # Known without reading anything.

    @property
    def shape(self) -> tuple[int, ...]:
        return self.SHAPE

    @property
    def num_train(self) -> int:
        return self._num_train

    @property
    def num_val(self) -> int:
        return self._num_val

    @property
    def num_test(self) -> int:
        return self.NUM_TEST


def _held_out(rate: float, there: int) -> int:
    if not 0 <= rate < 1:
        raise DataError(f"`validation_rate` must lie from 0 up to, but not, 1, found {rate!r}.")
    return round(rate * there)
