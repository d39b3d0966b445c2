"""Warnings of akidlab: shown in a notebook as the sentence that they are, without the line that says it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import akidlab
from akidlab.store import words

_OURS = str(Path(akidlab.__file__).parent)


@contextmanager
def warned_plainly() -> Iterator[None]:
    """Within this `with`, a warning that akidlab gives shows what it says, and no more."""
    before = warnings.formatwarning

    def plain(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
    ) -> str:
        if filename.startswith(_OURS):
            return f"{words.WARNED[0]} {message}\n"
        return before(message, category, filename, lineno, line)

    warnings.formatwarning = plain
    try:
        yield
    finally:
        warnings.formatwarning = before
