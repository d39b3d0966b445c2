"""MNISTFeedSource: the 70,000 handwritten digits of LeCun, Cortes and Burges, from their four idx files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from akidlab.config import data_path
from akidlab.sources.feed import FeedSource
from akidlab.sources.mnist_files import MIRRORS, SIZES, Pair, ensure_files, pair, read_pair

if TYPE_CHECKING:
    from torch import Tensor


class MNISTFeedSource(FeedSource):
    """MNIST: 70,000 handwritten digits of 1x28x28, read from the four idx files.

    The files are looked for in `work_dir`, gzipped or not, and fetched and checked where they are missing.
    Training samples are the first `num_train` of the 60,000 training images. Validation samples are the last
    `num_val` of them, if both fit; if not (60000 and 10000), they are the first `num_val` test images. The
    test part is always the 10,000 test images.

    Args:
        url: the address of the folder that has the files, asked before the known mirrors.
        num_train: how many samples to learn from, 60000 at most.
        num_val: how many samples to validate with.
        center: True to subtract 127.5 from the pixels, which lie between 0 and 255.
        scale: True to divide them by 255, after that: both give values between -0.5 and 0.5.
        work_dir: the folder of the files, `mnist` in the folder of data sets by default.
        validation_rate: the part of the 60,000 to validate with, in place of `num_train` and `num_val`.
        mirrors: addresses to ask after `url`.
        name: what to call it.

    Raises:
        DataError: if the numbers cannot be had.
        DataNotFoundError: when read, if a file is missing and cannot be fetched.

    Example:
        >>> MNISTFeedSource(num_train=50000, num_val=10000, center=True, scale=True)
        MNISTFeedSource 'mnist': 50000 training samples of 1x28x28, 10000 for validation, 10000 for test
    """

    NAME, TITLE = "mnist", "MNIST"
    NUM_TRAIN, NUM_TEST, SHAPE = SIZES["train"], SIZES["t10k"], (1, 28, 28)

    def __init__(
        self,
        url: str | None = None,
        num_train: int = 50_000,
        num_val: int = 10_000,
        center: bool = False,
        scale: bool = False,
        work_dir: str | os.PathLike[str] | None = None,
        *,
        validation_rate: float | None = None,
        mirrors: Sequence[str] = MIRRORS,
        name: str | None = None,
    ) -> None:
        super().__init__(num_train, num_val, validation_rate=validation_rate, name=name)
        self.center, self.scale, self.url, self.mirrors = center, scale, url, tuple(mirrors)
        self.work_dir = Path(work_dir if work_dir is not None else data_path() / "mnist").absolute()

    def setup(self) -> None:
        """Fetch the files that are missing and read the training part."""
        ensure_files(self.work_dir, (self.url, *self.mirrors) if self.url else self.mirrors)
        _ = self.training

    def _read(self, which: str, first: int, last: int) -> tuple[Tensor, ...]:
        ensure_files(self.work_dir, (self.url, *self.mirrors) if self.url else self.mirrors)
        files = pair(self.work_dir, "t10k" if which == "test" else which)
        return _tensors(files, first, last, *self._range())

    def _range(self) -> tuple[float, float]:
        """What is taken from a pixel, and what it is divided by after that."""
        return 127.5 if self.center else 0.0, 255.0 if self.scale else 1.0


@lru_cache(maxsize=3)
def _tensors(files: Pair, first: int, last: int, shift: float, divisor: float) -> tuple[Tensor, Tensor]:
    """Kept for the next source that asks the same: a cell that runs again starts at once."""
    images, labels = read_pair(files)
    pixels = torch.from_numpy(images[first:last].astype(np.float32)).unsqueeze(1)
    return pixels.sub_(shift).div_(divisor), torch.from_numpy(labels[first:last].astype(np.int64))
