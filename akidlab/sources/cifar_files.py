"""The files of CIFAR-10 and CIFAR-100: where they are, and how they get there."""

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
from akidlab.sources.cifar_format import Archive, parse
from akidlab.sources.download import FetchError, fetch

if TYPE_CHECKING:
    from jaxtyping import UInt8

MIRRORS = ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/")


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
            parts.append(parse(content, archive))
        except DataError as error:
            raise DataError(
                f"`{found.folder / name}` cannot be used: {error} Delete it and unpack the archive anew."
            ) from None
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return images.reshape(-1, 3, 32, 32), labels


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
