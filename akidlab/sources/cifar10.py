"""CIFAR-10: 60,000 colour images of 32x32 in ten classes, from Krizhevsky's files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from akidlab.config import data_path
from akidlab.errors import DataError
from akidlab.sources.cifar_files import MIRRORS, Found, ensure, read
from akidlab.sources.cifar_format import CIFAR10, Archive
from akidlab.sources.feed import FeedSource
from akidlab.sources.whitening import ZCAWhitening, contrast_normalize

if TYPE_CHECKING:
    from jaxtyping import Float, Int, UInt8
    from torch import Tensor

    Channels = tuple[float, ...]

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class Cifar10FeedSource(FeedSource):
    """CIFAR-10: 60,000 colour images of 3x32x32 in ten classes.

    The files are looked for in `work_dir`, in their binary or their python form, unpacked or as the archive;
    where there are none the binary archive is fetched, checked and unpacked. Training samples are the first
    `num_train` of the 50,000 training images. Validation samples are the last `num_val` of them, if both fit;
    if not (50000 and 10000), they are the first `num_val` test images. The test part is always the 10,000
    test images.

    With `use_zca` the images are normalised in contrast and ZCA-whitened, as for maxout networks; what that
    takes is computed once from the training samples and kept in the cache.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009; for `use_zca`
    I. Goodfellow et al., "Maxout networks", 2013.

    Args:
        use_zca: True for contrast-normalised and whitened images; `center` and `scale` do nothing then.
        url: the address of the folder that has the archive, asked before the known mirrors.
        num_train: how many samples to learn from, 50000 at most.
        num_val: how many samples to validate with.
        center: True to subtract 127.5 from the pixels, which lie between 0 and 255.
        scale: True to divide them by 255, after that: both give values between -0.5 and 0.5.
        work_dir: the folder of the files, `cifar10` in the folder of data sets by default.
        validation_rate: the part of the 50,000 to validate with, in place of `num_train` and `num_val`.
        mirrors: addresses to ask after `url`.
        name: what to call it.

    Raises:
        DataError: if the numbers cannot be had.
        DataNotFoundError: when read, if there are no files and none can be fetched.

    Example:
        >>> Cifar10FeedSource(num_train=45000, num_val=5000, center=True, scale=True)
        Cifar10FeedSource 'cifar10': 45000 training samples of 3x32x32, 5000 for validation, 10000 for test
    """

    NAME, TITLE = "cifar10", "CIFAR-10"
    NUM_TRAIN, NUM_TEST, SHAPE = 50_000, 10_000, (3, 32, 32)
    ARCHIVES: Sequence[Archive] = CIFAR10
    #: The names of the classes, by label.
    classes: Sequence[str] = CLASSES

    def __init__(
        self,
        use_zca: bool = False,
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
        self.use_zca, self.center, self.scale = use_zca, center, scale
        self.mirrors = (url, *mirrors) if url else tuple(mirrors)
        self.work_dir = Path(work_dir if work_dir is not None else data_path() / self.NAME).absolute()

    def setup(self) -> None:
        """Fetch the files that are missing and read the training part."""
        _ = self.training

    def _read(self, which: str, first: int, last: int) -> tuple[Tensor, ...]:
        found, _, labels = self._raw(which)
        fit = self.num_train if self.use_zca else 0
        images = _pixels(found, which, first, last, *self._range(), fit)
        return images, *self._labels(labels[first:last])

    def _range(self) -> tuple[Channels, Channels]:
        """What is taken from a pixel, and what it is divided by after that, for each channel."""
        return (127.5 if self.center else 0.0,) * 3, (255.0 if self.scale else 1.0,) * 3

    def _raw(self, which: str) -> tuple[Found, UInt8[np.ndarray, "n 3 32 32"], UInt8[np.ndarray, "n labels"]]:
        """The files, and what they hold: images and labels as bytes."""
        found = ensure(self.work_dir, self.ARCHIVES, self.mirrors)
        images, labels = read(found, which)
        expected = self.NUM_TRAIN if which == "train" else self.NUM_TEST
        if len(images) != expected:
            raise DataError(
                f"The {which} files in `{found.folder}` hold {len(images)} images, expected {expected}: they "
                f"are not those of {self.TITLE}."
            )
        return found, images, labels

    def _labels(self, labels: UInt8[np.ndarray, "n labels"]) -> tuple[Int[Tensor, " n"], ...]:
        """The tensors of labels, out of the bytes of the files."""
        return (torch.from_numpy(labels[:, -1].astype(np.int64)),)


@lru_cache(maxsize=3)
def _pixels(
    found: Found, which: str, first: int, last: int, shift: Channels, divisor: Channels, fit: int
) -> Tensor:
    """Kept for the next source that asks the same: a cell that runs again starts at once."""
    images = read(found, which)[0][first:last]
    return _whitening(found, fit)(_contrast(images)) if fit else normalize(images, shift, divisor)


@lru_cache(maxsize=2)
def _whitening(found: Found, fit: int) -> ZCAWhitening:
    return ZCAWhitening.cached(_contrast(read(found, "train")[0][:fit]))


def _contrast(images: UInt8[np.ndarray, "n ..."]) -> Float[Tensor, "n ..."]:
    return contrast_normalize(torch.from_numpy(images.astype(np.float32)))


def normalize(
    images: UInt8[np.ndarray, "n 3 height width"], shift: Channels, divisor: Channels
) -> Float[Tensor, "n 3 height width"]:
    """The images with `shift` taken from their pixels, then divided by `divisor`, for each channel."""
    pixels = torch.from_numpy(images.astype(np.float32))
    return pixels.sub_(torch.tensor(shift).view(-1, 1, 1)).div_(torch.tensor(divisor).view(-1, 1, 1))
