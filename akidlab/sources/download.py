"""Fetching a file: checked before it is seen, and never half there."""

from __future__ import annotations

import http.client
import os
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

from akidlab.config import quiet

Check = Callable[[bytes], "str | None"]


class FetchError(Exception):
    """One address did not give the file."""


def fetch(url: str, path: Path, check: Check, *, timeout: float = 10.0) -> None:
    """Put what `url` gives at `path`, if `check` finds nothing wrong with it.

    Args:
        url: where it comes from.
        path: where it goes; until it is complete nothing is there.
        check: says what is wrong with the content, None if it is right.
        timeout: how long to wait for a sign of life, in seconds.

    Raises:
        FetchError: if it could not be fetched or is not right.
        OSError: if it could not be written.
    """
    try:
        content = _download(url, path.name, timeout)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchError(f"{url}: {getattr(error, 'reason', None) or error}") from error
    wrong = check(content)
    if wrong:
        raise FetchError(f"{url}: {wrong}")
    write_whole(path, content)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that others see all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _download(url: str, what: str, timeout: float) -> bytes:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    request = urllib.request.Request(url, headers={"User-Agent": "akidlab"})
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with (
        urllib.request.urlopen(request, timeout=timeout) as answer,
        Progress(*columns, console=Console(stderr=True), disable=quiet()) as progress,
    ):
        length = answer.length
        task = progress.add_task(what, total=length)
        content = bytearray()
        while chunk := answer.read(1 << 16):
            content += chunk
            progress.update(task, advance=len(chunk))
    if length is not None and len(content) != length:
        raise ValueError(f"the connection ended after {len(content)} of {length} bytes")
    return bytes(content)
