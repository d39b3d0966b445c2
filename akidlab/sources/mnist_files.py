"""The four files of MNIST: where they are, and how they get there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from akidlab.errors import DataError, DataNotFoundError
from akidlab.sources.alone import alone
from akidlab.sources.download import FetchError, fetch
from akidlab.sources.idx import read_idx, unzipped

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8

#: The SHA-256 of each file *unpacked*, so that it holds for every mirror, however it packs them.
CHECKSUMS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
SIZES = {"train": 60_000, "t10k": 10_000}


def ensure_files(folder: Path, mirrors: Sequence[str]) -> None:
    """See that the four files are in `folder`; fetch those that are not.

    Raises:
        DataNotFoundError: if one is missing and no mirror gives it.
    """
    if any(locate(folder, name) is None for name in CHECKSUMS):
        with alone(folder):
            _fetch_missing(folder, list(mirrors))


def _fetch_missing(folder: Path, mirrors: list[str]) -> None:
    missing = [name for name in CHECKSUMS if locate(folder, name) is None]
    for name in missing:
        problems = []
        for mirror in list(mirrors):
            try:
                fetch(f"{mirror.rstrip('/')}/{name}.gz", folder / f"{name}.gz", partial(_wrong, name))
                break
            except (FetchError, OSError) as error:
                problems.append(str(error))
                mirrors.append(mirrors.pop(0))  # the next file begins with a mirror that worked
        else:
            raise _not_found(folder, [n for n in missing if locate(folder, n) is None], problems)


def locate(folder: Path, name: str) -> Path | None:
    """The file called `name` in `folder`, as the archives of the world spell it, None if there is none."""
    dotted = name.replace("-idx", ".idx")
    return next(
        (
            path
            for spelling in (name, dotted)
            for path in (folder / f"{spelling}.gz", folder / spelling)
            if path.is_file()
        ),
        None,
    )


@dataclass(frozen=True)
class Pair:
    """The images and the labels of `train` or `t10k`, as they were found; changed files make another pair."""

    images: Path
    labels: Path
    size: int
    stamps: tuple[int, ...]


def pair(folder: Path, which: str) -> Pair:
    """The files of `which`, `train` or `t10k`, in `folder`.

    Raises:
        DataNotFoundError: if one is missing.
    """
    names = [name for name in CHECKSUMS if name.startswith(which)]
    paths = {name: locate(folder, name) for name in names}
    images, labels = paths.values()
    if images is None or labels is None:
        raise _not_found(folder, [name for name in names if paths[name] is None], [])
    facts = images.stat(), labels.stat()
    stamps = tuple(number for fact in facts for number in (fact.st_mtime_ns, fact.st_size))
    return Pair(images, labels, SIZES[which], stamps)


@lru_cache(maxsize=2)
def read_pair(files: Pair) -> tuple[UInt8[np.ndarray, "n 28 28"], UInt8[np.ndarray, " n"]]:
    """The images and the labels, kept for the next source that asks.

    Raises:
        DataError: if a file is torn or holds something else.
    """
    images, labels = read_idx(files.images, 3), read_idx(files.labels, 1)
    for path, array, shape in (
        (files.images, images, (files.size, 28, 28)),
        (files.labels, labels, (files.size,)),
    ):
        if array.shape != shape:
            raise DataError(f"`{path}` holds {array.shape}, expected {shape}: it is not a file of MNIST.")
    return images, labels


def _wrong(name: str, content: bytes) -> str | None:
    try:
        found = hashlib.sha256(unzipped(content)).hexdigest()
    except DataError as error:
        return str(error)
    if found != CHECKSUMS[name]:
        return f"its checksum is {found[:12]}..., expected {CHECKSUMS[name][:12]}...; it was thrown away"
    return None


def _not_found(folder: Path, missing: Sequence[str], problems: Sequence[str]) -> DataNotFoundError:
    tried = "".join(f"\n    {problem}" for problem in problems)
    return DataNotFoundError(
        f"MNIST is not complete. Missing in `{folder}`: {', '.join(f'{name}.gz' for name in missing)} "
        f"(unpacked files would do).{f' They could not be fetched:{tried}' if tried else ''}\n"
        f"With no network, copy the files there, or set AKID_DATA_PATH to the folder that holds `mnist/`, or "
        f"use `DigitsSource()`, which comes with akidlab."
    )
