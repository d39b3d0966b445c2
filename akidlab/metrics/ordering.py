"""Ordering: where percentiles lie among sorted numbers, and what they are there."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from akidlab.messages import PERCENTS

SHARES = np.array(PERCENTS) / 100
LARGE = 1e38  # there may be no difference of numbers beyond

Floats = NDArray[np.float32]
Places = NDArray[np.int64]


@lru_cache(maxsize=1024)
def places(count: int, ends: int = 0) -> tuple[Places, Places, Floats]:
    """Where the nine percentiles lie in a sorted row: the place below, the place above, the way between.

    Args:
        count: how many values the row has.
        ends: 1 if the exact minimum and maximum were put to a sample, and are not part of it.
    """
    exact = ends + SHARES * (count - 2 * ends - 1)
    exact[0], exact[-1] = 0, count - 1
    below = np.floor(exact + 1e-9).astype(np.int64)
    return below, np.minimum(below + 1, count - 1), (exact - below).astype(np.float32)


def evenly(count: int, points: int, ends: int = 0) -> Places:
    """Where evenly spaced quantiles lie in a sorted row, the first and the last at its ends."""
    found = ends + np.round(np.linspace(0, count - 2 * ends - 1, points)).astype(np.int64)
    found[:1], found[-1:] = 0, count - 1
    return found


def between(bounds: Floats, way: Floats) -> Floats:
    """What lies part of the way from one number to the next; NaN where one of the ends of a row is.

    Args:
        bounds: the numbers below and above, (2, rows, 9).
        way: the part of the way, (rows, 9).

    Example:
        >>> between(np.array([[[1, 2]], [[3, 4]]], np.float32), np.array([[0.5, 0]], np.float32)).tolist()
        [[2.0, 2.0]]
    """
    below, above = bounds[0], bounds[1]
    if not (bounds.item(bounds.argmin()) > -LARGE and bounds.item(bounds.argmax()) < LARGE):
        return _with_extremes(below, above, way)
    values = np.subtract(above, below)
    np.multiply(values, way, values)
    return np.add(values, below, values)


def _with_extremes(below: Floats, above: Floats, way: Floats) -> Floats:
    with np.errstate(invalid="ignore", over="ignore"):
        values = below + (above - below) * way
    nearer = np.where(way < 0.5, below, above)
    values = np.where(np.isfinite(values), values, nearer)
    values[np.isnan(nearer[..., [0, -1]]).any(-1)] = np.nan
    return values
