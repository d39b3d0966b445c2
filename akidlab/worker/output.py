"""Output: what a rank writes, on its way to the cell."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

Send = Callable[[str, str], None]


class Stream(io.TextIOBase):
    """Stands for `sys.stdout` or `sys.stderr` on a rank; the forwarder takes away what was written.

    Args:
        name: `stdout` or `stderr`.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._lock = threading.Lock()
        self._text: list[str] = []

    @property
    def name(self) -> str:
        """Which stream it is."""
        return f"<{self._name}>"

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Text is text here."""
        return "utf-8"

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> int:
        with self._lock:
            self._text.append(text)
        return len(text)

    def take(self) -> str:
        """What was written since the last time."""
        with self._lock:
            text, self._text = "".join(self._text), []
        return text
