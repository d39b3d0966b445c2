"""Heat: which colour a number has, and a small encoder of PNG, for images that are drawn as one."""

from __future__ import annotations

import struct
import zlib

import numpy as np

# From ColorBrewer's RdBu and from viridis (van der Walt & Smith 2015), between which is interpolated.
PARTING = ("#053061", "#2166ac", "#4393c3", "#92c5de", "#f7f7f7", "#f4a582", "#d6604d", "#b2182b", "#67001f")
RISING = ("#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725")
GREY = ("#000000", "#ffffff")
TOP = 99.5  # per cent of what begins at zero lie below the top: one peak must not darken all else
NOTHING = 255  # the index of what is not drawn
LEVELS = 254  # the greatest index of a number


def span(values: np.ndarray) -> tuple[float, float]:
    """From which to which number colours reach: about zero for both signs, else from zero to a robust top.

    Example:
        >>> span(np.array([-1.0, 3.0])), span(np.array([0.0, 2.0, np.nan])), span(np.array([]))
        ((-3.0, 3.0), (0.0, 2.0), (0.0, 1.0))
    """
    found = values[np.isfinite(values)]
    if not len(found):
        return 0.0, 1.0
    low, high = float(found.min()), float(found.max())
    if low < 0:
        most = max(-low, high)
        return -most, most
    robust = float(np.percentile(found, TOP)) if len(found) > 500 else high
    return 0.0, robust or high or 1.0


def indices(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Numbers as indices of a palette, uint8 of the same shape; 255 where they are not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = (np.asarray(values, np.float64) - low) * (LEVELS / ((high - low) or 1.0))
        found = np.clip(np.nan_to_num(scaled), 0, LEVELS).round().astype(np.uint8)
    found[~np.isfinite(values)] = NOTHING
    return found


def palette(stops: tuple[str, ...]) -> np.ndarray:
    """255 colours between some, uint8 of `[255, 3]`."""
    given = np.array([[int(stop[at : at + 2], 16) for at in (1, 3, 5)] for stop in stops], np.float64)
    at = np.linspace(0, len(stops) - 1, LEVELS + 1)
    columns = [np.interp(at, np.arange(len(stops)), column) for column in given.T]
    return np.stack(columns, axis=1).round().astype(np.uint8)


def stops(low: float, *, grey: bool = False) -> tuple[str, ...]:
    """The colours for numbers from `low` on."""
    return GREY if grey else PARTING if low < 0 else RISING


def png(array: np.ndarray, *, grey: bool = False) -> bytes:
    """An image of a pixel for each number, what is not finite left clear.

    Args:
        array: `[rows, columns]`, or `[rows, columns, 3]` for colours of 0 to 1.
        grey: from black to white.

    Example:
        >>> png(np.zeros((2, 3)))[:4]
        b'\\x89PNG'
    """
    if array.ndim == 3:
        return _coloured(array)
    low, high = (_least(array), _most(array)) if grey else span(array)
    colours = np.concatenate([palette(stops(low, grey=grey)), np.zeros((1, 3), np.uint8)])
    clear = bytes([255] * NOTHING + [0])
    more = _chunk(b"PLTE", colours.tobytes()) + _chunk(b"tRNS", clear)
    return _file(indices(array, low, high), 3, more)


def _least(array: np.ndarray) -> float:
    found = array[np.isfinite(array)]
    return float(found.min()) if len(found) else 0.0


def _most(array: np.ndarray) -> float:
    found = array[np.isfinite(array)]
    return float(found.max()) if len(found) else 1.0


def _coloured(array: np.ndarray) -> bytes:
    clear = ~np.isfinite(array).all(axis=2)
    levels = np.clip(np.nan_to_num(array), 0, 1) * 255
    alpha = np.where(clear, 0, 255)[..., None]
    return _file(np.concatenate([levels.round(), alpha], axis=2).astype(np.uint8), 6, b"")


def _file(pixels: np.ndarray, kind: int, more: bytes) -> bytes:
    rows, columns = pixels.shape[:2]
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), pixels.reshape(rows, -1)], axis=1)
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, kind, 0, 0, 0))
    body = _chunk(b"IDAT", zlib.compress(lines.tobytes(), 6))
    return b"\x89PNG\r\n\x1a\n" + head + more + body + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
