"""RotatedMNISTFeedSource: MNIST turned by any angle, 12,000 digits to learn from, by Larochelle et al."""

from __future__ import annotations

import hashlib
import io
import logging
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from akidlab.config import data_path
from akidlab.errors import DataError, DataNotFoundError
from akidlab.sources.alone import alone
from akidlab.sources.archive import unpack
from akidlab.sources.download import FetchError, fetch, write_whole
from akidlab.sources.feed import FeedSource

if TYPE_CHECKING:
    from jaxtyping import Float32
    from torch import Tensor

log = logging.getLogger(__name__)

ARCHIVE, MD5 = "mnist_rotation_new.zip", "0f9a947ff3d30e95cd685462cbf3b847"
FILES = {
    "train": "mnist_all_rotation_normalized_float_train_valid.amat",
    "test": "mnist_all_rotation_normalized_float_test.amat",
}
MIRRORS = ("http://www.iro.umontreal.ca/~lisa/icml2007data/",)


class RotatedMNISTFeedSource(FeedSource):
    """MNIST turned by any angle: 12,000 digits of 1x28x28 to learn from, 50,000 to test with.

    The two files are looked for in `work_dir`, or the zip archive that holds them, which is fetched where
    there is none. They are text of 470 MB, which is read once and kept beside them in a quicker form. How
    training, validation and test samples are divided is as in `MNISTFeedSource`; pixels lie between 0 and 255
    as they do there, though not at whole numbers.

    Source: H. Larochelle et al., "An empirical evaluation of deep architectures on problems with many factors
    of variation", 2007.

    Args:
        url: the address of the folder that has the archive, asked before the known one.
        num_train: how many samples to learn from, 12000 at most.
        num_val: how many samples to validate with: test samples where all others are learned from.
        center: True to subtract 127.5 from the pixels.
        scale: True to divide them by 255, after that.
        work_dir: the folder of the files, `rotated_mnist` in the folder of data sets by default.
        validation_rate: the part of the 12,000 to validate with, in place of `num_train` and `num_val`.
        mirrors: addresses to ask after `url`.
        name: what to call it.

    Raises:
        DataError: if the numbers cannot be had.
        DataNotFoundError: when read, if there are no files and none can be fetched.

    Example:
        >>> RotatedMNISTFeedSource(num_train=10000, num_val=2000)
        RotatedMNISTFeedSource 'rotated_mnist': 10000 training samples of 1x28x28, 2000 for validation,
         50000 for test
    """

    NAME, TITLE = "rotated_mnist", "Rotated MNIST"
    NUM_TRAIN, NUM_TEST, SHAPE = 12_000, 50_000, (1, 28, 28)

    def __init__(
        self,
        url: str | None = None,
        num_train: int = 12_000,
        num_val: int = 50_000,
        center: bool = False,
        scale: bool = False,
        work_dir: str | os.PathLike[str] | None = None,
        *,
        validation_rate: float | None = None,
        mirrors: Sequence[str] = MIRRORS,
        name: str | None = None,
    ) -> None:
        super().__init__(num_train, num_val, validation_rate=validation_rate, name=name)
        self.center, self.scale = center, scale
        self.mirrors = (url, *mirrors) if url else tuple(mirrors)
        self.work_dir = Path(work_dir if work_dir is not None else data_path() / self.NAME).absolute()

    def setup(self) -> None:
        """Fetch the files that are missing and read the training part."""
        _ = self.training

    def _read(self, which: str, first: int, last: int) -> tuple[Tensor, ...]:
        path = _ensure(self.work_dir, which, self.mirrors)
        rows = _rows(path, path.stat().st_mtime_ns)
        expected = self.NUM_TRAIN if which == "train" else self.NUM_TEST
        if len(rows) != expected:
            raise DataError(
                f"`{path}` holds {len(rows)} images, expected {expected}: it is not that of {self.TITLE}."
            )
        pixels = torch.from_numpy(rows[first:last, :-1] * np.float32(255)).view(-1, *self.SHAPE)
        pixels.sub_(127.5 if self.center else 0.0).div_(255.0 if self.scale else 1.0)
        return pixels, torch.from_numpy(rows[first:last, -1].astype(np.int64))


def _ensure(folder: Path, which: str, mirrors: Sequence[str]) -> Path:
    """The file of `train` or `test`, unpacked or fetched where it is missing."""
    path = folder / FILES[which]
    if not path.is_file():
        with alone(folder):
            if not path.is_file():
                _make(path, mirrors)
    return path


def _make(path: Path, mirrors: Sequence[str]) -> None:
    folder, problems = path.parent, []
    if not (folder / ARCHIVE).is_file():
        for mirror in mirrors:
            try:
                fetch(f"{mirror.rstrip('/')}/{ARCHIVE}", folder / ARCHIVE, _wrong)
                break
            except (FetchError, OSError) as error:
                problems.append(f"\n    {error}")
        else:
            raise DataNotFoundError(
                f"Rotated MNIST is not in `{folder}`: expected `{ARCHIVE}`, or `{path.name}` out of it."
                f"{' It could not be fetched:' if problems else ''}{''.join(problems)}\n"
                f"With no network, copy it there, or set AKID_DATA_PATH to the folder that holds "
                f"`{folder.name}/`."
            )
    unpack(folder / ARCHIVE, folder, FILES.values())


@lru_cache(maxsize=2)
def _rows(path: Path, stamp: int) -> Float32[np.ndarray, "n 785"]:
    """The rows of a file, from its quicker form where that is younger: pixels, then the label."""
    quick = path.with_suffix(".npy")
    with alone(quick):
        return _quick(path, quick, stamp)


def _quick(path: Path, quick: Path, stamp: int) -> Float32[np.ndarray, "n 785"]:
    if quick.is_file() and quick.stat().st_mtime_ns >= stamp:
        try:
            return np.load(quick, allow_pickle=False)
        except (ValueError, EOFError, OSError):
            pass  # torn: it is made anew
    rows = _parse(path)
    stream = io.BytesIO()
    np.save(stream, rows)
    try:
        write_whole(quick, stream.getvalue())
    except OSError as error:
        log.warning("The quicker form of %s could not be kept: %s", path, error)
    return rows


def _parse(path: Path) -> Float32[np.ndarray, "n 785"]:
    try:
        if not path.stat().st_size:
            raise ValueError("it is empty")
        rows = np.loadtxt(path, np.float32, ndmin=2)
        if rows.shape[1] != 785:
            raise ValueError(f"it has {rows.shape[1]} numbers in a row, expected 785")
    except ValueError as error:
        raise DataError(
            f"`{path}` cannot be used: {error}. Delete it; it is then unpacked or fetched again."
        ) from None
    return rows


def _wrong(content: bytes) -> str | None:
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return None if found == MD5 else f"its checksum is {found[:12]}..., expected {MD5[:12]}..."
