"""DataSet: images and labels in memory that are drawn batch by batch, with nothing around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from akidlab.errors import DataError
from akidlab.sources.array import ArraySource
from akidlab.sources.draws import checked_seed, draws

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch import Tensor


class DataSet:
    """Images and labels in memory that are drawn batch by batch, with nothing around them.

    For a loop of one's own; a `FeedSensor` does the same for a Kid, and draws every sample.

    Args:
        images: the images, pixels between 0 and 255 where they are centred or scaled.
        labels: the labels, one for each image.
        center: True to subtract 127.5 from the pixels.
        scale: True to divide them by 255, after that.
        shuffle: False to keep the order.
        seed: what the order is drawn from, anew each epoch.

    Raises:
        DataError: if there is not one label for each image.

    Example:
        >>> data = DataSet(torch.arange(10.0).view(5, 2), torch.arange(5), shuffle=False)
        >>> [data.next_batch(2)[1].tolist() for _ in range(3)], data.epochs_completed
        ([[0, 1], [2, 3], [0, 1]], 1)
    """

    def __init__(
        self,
        images: ArrayLike | Tensor,
        labels: ArrayLike | Tensor,
        center: bool = False,
        scale: bool = False,
        shuffle: bool = True,
        *,
        seed: int = 0,
    ) -> None:
        self.images, self.labels = ArraySource((images, labels)).training
        if center or scale:
            self.images = (self.images - (127.5 if center else 0.0)) / (255.0 if scale else 1.0)
        self.shuffle, self.seed = shuffle, checked_seed(seed)
        self.epochs_completed = self._index = 0
        self._rows = self._order()

    @property
    def num_examples(self) -> int:
        """How many images there are."""
        return len(self.labels)

    def next_batch(self, batch_size: int) -> tuple[Tensor, Tensor]:
        """The next `batch_size` images and labels; what is left of an epoch that cannot fill it is dropped.

        Raises:
            DataError: if there are not as many.
        """
        if not 1 <= batch_size <= self.num_examples:
            raise DataError(f"A batch has 1 to {self.num_examples} of the samples, found {batch_size}.")
        if self._index + batch_size > self.num_examples:
            self.epochs_completed, self._index = self.epochs_completed + 1, 0
            self._rows = self._order()
        rows = self._rows[self._index : self._index + batch_size]
        self._index += batch_size
        return self.images[rows], self.labels[rows]

    def _order(self) -> Tensor:
        rows = torch.arange(self.num_examples)
        return draws(self.seed, self.epochs_completed, rows, 1).flatten().argsort() if self.shuffle else rows

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.images.shape[1:]))
        return f"DataSet: {self.num_examples} samples of {shape}, {self.epochs_completed} epochs completed"


@dataclass(frozen=True)
class DataSets:
    """A data set to learn from, and those to validate and to test with."""

    training: DataSet
    test: DataSet | None = None
    validation: DataSet | None = None
