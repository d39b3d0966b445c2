"""Cifar10AkidSource: CIFAR-10 normalised, each training image flipped and shifted at random."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from akidlab.sources.cifar10 import Cifar10FeedSource, normalize
from akidlab.sources.cifar_files import MIRRORS
from akidlab.sources.draws import checked_seed, draws

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8
    from torch import Tensor

    from akidlab.sources.cifar10 import Channels
    from akidlab.sources.source import Indices

MEAN, DEVIATION = (125.3, 123.0, 113.9), (63.0, 62.1, 66.7)
_PAD = 4


class Cifar10AkidSource(Cifar10FeedSource):
    """CIFAR-10 normalised, each training image flipped and shifted at random.

    Every channel has about mean 0 and deviation 1. What is fetched of the training part is mirrored half the
    time, and shifted by up to 4 pixels with black at the border; the draws depend on the seed, the epoch and
    the sample alone. `training` gives the images as they are. Validation samples are test images, unless some
    training images are left for it.

    Source: S. Zagoruyko and N. Komodakis, "Wide residual networks", 2016, section 3.

    Args:
        work_dir: the folder of the files, `cifar10` in the folder of data sets by default.
        name: what to call it.
        num_train: how many samples to learn from, 50000 at most.
        num_val: how many samples to validate with.
        seed: what flips and shifts are drawn from.
        mirrors: addresses of folders that have the archive.

    Raises:
        DataError: if the numbers cannot be had.
        DataNotFoundError: when read, if there are no files and none can be fetched.

    Example:
        >>> Cifar10AkidSource()
        Cifar10AkidSource 'cifar10': 50000 training samples of 3x32x32, 10000 for validation, 10000 for test
    """

    in_memory = False

    def __init__(
        self,
        work_dir: str | os.PathLike[str] | None = None,
        name: str | None = None,
        *,
        num_train: int = 50_000,
        num_val: int = 10_000,
        seed: int = 0,
        mirrors: Sequence[str] = MIRRORS,
    ) -> None:
        super().__init__(num_train=num_train, num_val=num_val, work_dir=work_dir, mirrors=mirrors, name=name)
        self.seed = checked_seed(seed)

    def setup(self) -> None:
        """Fetch the files that are missing and read the training images."""
        self._raw("train")

    def fetch(self, mode: str, indices: Indices, epoch: int = 0) -> tuple[Tensor, ...]:
        """Some samples of a part, as batches; those of `train` flipped and shifted anew each epoch."""
        if mode != "train":
            return super().fetch(mode, indices)
        rows = self.rows(mode, indices)
        _, images, labels = self._raw("train")
        picked = rows.numpy()
        moved = shift_and_flip(images[picked], draws(self.seed, epoch, rows, 3).numpy())
        return normalize(moved, *self._range()), *self._labels(labels[picked])

    def _range(self) -> tuple[Channels, Channels]:
        return MEAN, DEVIATION


Cifar10TorchSource = Cifar10AkidSource


def shift_and_flip(
    images: UInt8[np.ndarray, "n channels height width"], chances: Float[np.ndarray, "n 3"]
) -> UInt8[np.ndarray, "n channels height width"]:
    """Each image mirrored where its first chance is below a half, and shifted by its second and third."""
    _, _, height, width = images.shape
    images = np.where(chances[:, :1, None, None] < 0.5, images[..., ::-1], images)
    padded = np.pad(images, ((0, 0), (0, 0), (_PAD, _PAD), (_PAD, _PAD)))
    top, left = (chances[:, 1:] * (2 * _PAD + 1)).astype(np.int64).T
    return sliding_window_view(padded, (height, width), axis=(2, 3))[np.arange(len(images)), :, top, left]
