"""MNISTSource: MNIST with pixels of mean 0 and deviation 1, as torch's examples use it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from akidlab.sources.mnist import MNISTFeedSource
from akidlab.sources.mnist_files import MIRRORS

#: Of the pixels of the training images, between 0 and 1.
MEAN, DEVIATION = 0.1307, 0.3081


class MNISTSource(MNISTFeedSource):
    """MNIST with pixels of mean 0 and deviation 1: all 60,000 to learn from, the test images to validate.

    Args:
        work_dir: the folder of the files, `mnist` in the folder of data sets by default.
        name: what to call it.
        num_train: how many samples to learn from, 60000 at most.
        num_val: how many samples to validate with: test images where all others are learned from.
        mirrors: addresses of folders that have the files.

    Raises:
        DataError: if the numbers cannot be had.
        DataNotFoundError: when read, if a file is missing and cannot be fetched.

    Example:
        >>> MNISTSource()
        MNISTSource 'mnist': 60000 training samples of 1x28x28, 10000 for validation, 10000 for test
    """

    def __init__(
        self,
        work_dir: str | os.PathLike[str] | None = None,
        name: str | None = None,
        *,
        num_train: int = 60_000,
        num_val: int = 10_000,
        mirrors: Sequence[str] = MIRRORS,
    ) -> None:
        super().__init__(num_train=num_train, num_val=num_val, work_dir=work_dir, mirrors=mirrors, name=name)

    def _range(self) -> tuple[float, float]:
        return MEAN * 255, DEVIATION * 255


MNISTTorchSource = MNISTSource
