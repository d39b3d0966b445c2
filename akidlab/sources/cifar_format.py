"""The two forms in which CIFAR-10 and CIFAR-100 are published: bytes, and pickles of Python.

Source: A. Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html; checksums and formats from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from akidlab.errors import DataError
from akidlab.sources.unpickle import unpickle

if TYPE_CHECKING:
    from jaxtyping import UInt8

_PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class Archive:
    """One form in which a CIFAR is published: an archive with a folder of files."""

    name: str
    md5: str
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    labels: tuple[str, ...]  # in the order of the bytes that come before the pixels; keys of the pickles

    @property
    def binary(self) -> bool:
        """True where the files are bytes, False where they are pickles."""
        return self.test[0].endswith(".bin")


#: The binary form comes first: it is the one that is fetched.
CIFAR10 = (
    Archive(
        "cifar-10-binary.tar.gz",
        "c32a1d4ab5d03f1284b67883e8d87530",
        "cifar-10-batches-bin",
        tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
        ("test_batch.bin",),
        ("labels",),
    ),
    Archive(
        "cifar-10-python.tar.gz",
        "c58f30108f718f92721af3b95e74349a",
        "cifar-10-batches-py",
        tuple(f"data_batch_{i}" for i in range(1, 6)),
        ("test_batch",),
        ("labels",),
    ),
)
CIFAR100 = (
    Archive(
        "cifar-100-binary.tar.gz",
        "03b5dce01913d631647c71ecec9e9cb8",
        "cifar-100-binary",
        ("train.bin",),
        ("test.bin",),
        ("coarse_labels", "fine_labels"),
    ),
    Archive(
        "cifar-100-python.tar.gz",
        "eb9058c3a382ffc7106e4002c42a8d85",
        "cifar-100-python",
        ("train",),
        ("test",),
        ("coarse_labels", "fine_labels"),
    ),
)


def parse(
    content: bytes, archive: Archive
) -> tuple[UInt8[np.ndarray, "n pixels"], UInt8[np.ndarray, "n labels"]]:
    """The images, row by row, and the labels in the content of a file.

    Raises:
        DataError: if it is torn or holds something else.
    """
    return (_binary if archive.binary else _python)(content, archive.labels)


def _binary(content: bytes, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    row = len(labels) + _PIXELS
    if not content or len(content) % row:
        raise DataError(f"it has {len(content)} bytes, no multiple of the {row} of an image.")
    rows = np.frombuffer(content, np.uint8).reshape(-1, row)
    return rows[:, len(labels) :], rows[:, : len(labels)]


def _python(content: bytes, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    batch = unpickle(content)
    if not isinstance(batch, dict) or not {"data", *labels} <= batch.keys():
        raise DataError(f"it should hold `data` and `{'`, `'.join(labels)}`, as CIFAR's batches do.")
    images = np.asarray(batch["data"])
    numbers = np.stack([np.asarray(batch[label], np.uint8) for label in labels], axis=1)
    if images.dtype != np.uint8 or images.shape != (len(numbers), _PIXELS):
        raise DataError(
            f"its pixels are {images.dtype} of {images.shape}, expected uint8 of {(len(numbers), _PIXELS)}."
        )
    return images, numbers
