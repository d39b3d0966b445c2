"""Frames: what a sensor and its workers say to each other through pipes."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

_LENGTHS = struct.Struct("<QQ")


def frame(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """A header of plain values, and bytes that belong to it."""
    told = json.dumps(header).encode()
    return _LENGTHS.pack(len(told), len(payload)) + told + payload


class Frames:
    """Puts frames together again from bytes that come in pieces.

    Example:
        >>> frames, whole = Frames(), frame({"ticket": 3}, b"abc")
        >>> list(frames.feed(whole[:7])), list(frames.feed(whole[7:]))
        ([], [({'ticket': 3}, bytearray(b'abc'))])
    """

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, piece: bytes) -> Iterator[tuple[dict[str, Any], bytearray]]:
        """Those that are whole with this piece."""
        self._bytes += piece
        while len(self._bytes) >= _LENGTHS.size:
            told, payload = _LENGTHS.unpack_from(self._bytes)
            start = _LENGTHS.size + told
            if len(self._bytes) < start + payload:
                return
            header = json.loads(self._bytes[_LENGTHS.size : start])
            content = self._bytes[start : start + payload]
            del self._bytes[: start + payload]
            yield header, content
