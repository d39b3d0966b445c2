"""The files of CIFAR-10 and CIFAR-100: where they are, how they get there, and what is in them.

Source: A. Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html; checksums and formats from there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from akidlab.errors import DataError, DataNotFoundError
from akidlab.sources.alone import alone
from akidlab.sources.archive import unpack
from akidlab.sources.download import FetchError, fetch
from akidlab.sources.unpickle import unpickle

if TYPE_CHECKING:
    from jaxtyping import UInt8

MIRRORS = ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/")
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


@dataclass(frozen=True)
class Found:
    """The files of one form, where they lie; changed files make another."""

    archive: Archive
    folder: Path
    stamps: tuple[int, ...]


def locate(folder: Path, archives: Sequence[Archive]) -> Found | None:
    """The first of the forms that is complete in `folder` or in its own folder there, None if none is."""
    for archive in archives:
        names = (*archive.train, *archive.test)
        for place in (folder / archive.folder, folder):
            if all((place / name).is_file() for name in names):
                facts = [(place / name).stat() for name in names]
                return Found(
                    archive, place, tuple(n for fact in facts for n in (fact.st_mtime_ns, fact.st_size))
                )
    return None


def ensure(folder: Path, archives: Sequence[Archive], mirrors: Sequence[str]) -> Found:
    """See that the files are in `folder`: unpack an archive that lies there, fetch the first one else.

    Raises:
        DataNotFoundError: if they are not there and no mirror gives them.
        DataError: if an archive that lies there is torn.
    """
    if (found := locate(folder, archives)) is not None:
        return found
    with alone(folder):
        return locate(folder, archives) or _make(folder, archives, mirrors)


def _make(folder: Path, archives: Sequence[Archive], mirrors: Sequence[str]) -> Found:
    problems: list[str] = []
    if not any((folder / archive.name).is_file() for archive in archives):
        problems = _fetch(folder, archives[0], mirrors)
    for archive in archives:
        if (folder / archive.name).is_file():
            unpack(folder / archive.name, folder / archive.folder, (*archive.train, *archive.test))
    if (found := locate(folder, archives)) is None:
        raise _not_found(folder, archives, problems)
    return found


@lru_cache(maxsize=4)
def read(found: Found, which: str) -> tuple[UInt8[np.ndarray, "n 3 32 32"], UInt8[np.ndarray, "n labels"]]:
    """The images and the labels of `train` or `test`, kept for the next source that asks.

    Raises:
        DataError: if a file is torn or holds something else.
    """
    archive, parts = found.archive, []
    for name in archive.train if which == "train" else archive.test:
        content = (found.folder / name).read_bytes()
        try:
            parts.append((_binary if archive.binary else _python)(content, archive.labels))
        except DataError as error:
            raise DataError(
                f"`{found.folder / name}` cannot be used: {error} Delete it and unpack the archive anew."
            ) from None
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return images.reshape(-1, 3, 32, 32), labels


def _binary(content: bytes, labels: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    row = len(labels) + _PIXELS
    if not content or len(content) % row:
        raise DataError(f"it has {len(content)} bytes, no multiple of the {row} of an image.")
    rows = np.frombuffer(content, np.uint8).reshape(-1, row)
    return rows[:, len(labels) :], rows[:, : len(labels)]


def _python(content: bytes, labels: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
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


def _fetch(folder: Path, archive: Archive, mirrors: Sequence[str]) -> list[str]:
    """Fetch the archive from the first mirror that gives it; gives what went wrong."""
    problems = []
    for mirror in mirrors:
        try:
            fetch(
                f"{mirror.rstrip('/')}/{archive.name}",
                folder / archive.name,
                partial(_wrong, archive.md5),
            )
            break
        except (FetchError, OSError) as error:
            problems.append(str(error))
    return problems


def _wrong(expected: str, content: bytes) -> str | None:
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found == expected:
        return None
    return f"its checksum is {found[:12]}..., expected {expected[:12]}...; it was thrown away"


def _not_found(folder: Path, archives: Sequence[Archive], problems: Sequence[str]) -> DataNotFoundError:
    tried = "".join(f"\n    {problem}" for problem in problems)
    title = archives[0].name.split("-binary")[0].upper()
    return DataNotFoundError(
        f"{title} is not complete in `{folder}`: expected `{archives[0].name}` or `{archives[1].name}`, or "
        f"their files unpacked.{f' It could not be fetched:{tried}' if tried else ''}\n"
        f"With no network, copy one of them there, or set AKID_DATA_PATH to the folder that holds "
        f"`{folder.name}/`."
    )
