"""Files out of an archive: those that are wanted, and nowhere but where they are wanted."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from akidlab.errors import DataError
from akidlab.sources.download import write_whole


def unpack(archive: Path, folder: Path, names: Collection[str]) -> None:
    """Write the files called `names` in a tar or zip archive to `folder`, whatever folders they are in there.

    Raises:
        DataError: if the archive is torn, or one of them is not in it.
    """
    missing = set(names)
    try:
        for name, content in _contents(archive, missing):
            write_whole(folder / name, content)
            missing.discard(name)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, OSError) as error:
        raise DataError(
            f"`{archive}` cannot be unpacked: {error}. Delete it; it is then fetched again."
        ) from error
    if missing:
        raise DataError(f"`{archive}` does not hold {', '.join(sorted(missing))}: it is another archive.")


def _contents(archive: Path, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each wanted file; only the last part of a name counts, so none can climb out."""
    wanted = set(names)
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            for path in zipped.namelist():
                if (name := PurePosixPath(path).name) in wanted:
                    yield name, zipped.read(path)
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            name = PurePosixPath(member.name).name
            if name in wanted and (file := tar.extractfile(member)) is not None:
                yield name, file.read()
