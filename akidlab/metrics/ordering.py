"""Ordering numbers fast: floats as integers of the same order, and only as much sorting as is needed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from akidlab.messages import PERCENTS

MANY = 1 << 14  # from here on partitions around a few places beat a sort
SIGN, MAGNITUDE = np.int32(31), np.int32(0x7FFFFFFF)  # the place of the sign, and all other bits
LARGE = 0x7F000000  # the key of 2**127: there are no differences of what is beyond
SHARES = np.array(PERCENTS) / 100

Keys = NDArray[np.int32]
Floats = NDArray[np.float32]
Places = NDArray[np.int64]


def order(keys: Keys, room: Keys | None = None) -> None:
    """Turn the bits of floats, in place, into integers of the same order; a second time turns them back.

    Integers are sorted twice as fast as floats, since no NaN has to be looked for. A NaN comes to one of the
    two ends.

    Args:
        keys: the bits of floats.
        room: as many integers, for what is worked out on the way.

    Example:
        >>> floats = np.array([1.0, -2.0, 0.5], np.float32)
        >>> keys = floats.view(np.int32)
        >>> order(keys)
        >>> keys.sort()
        >>> order(keys)
        >>> floats.tolist()
        [-2.0, 0.5, 1.0]
    """
    flips = np.right_shift(keys, SIGN, out=room)
    flips &= MAGNITUDE
    keys ^= flips


def settle(keys: Keys, wanted: Sequence[int] | Places) -> None:
    """Put at each of the ascending places, and just after it, what a sort would; and so at both ends."""
    if len(keys) < MANY:
        keys.sort()
        return
    inner = [int(place) for place in wanted if 0 < place < len(keys) - 1]
    _partition(keys, inner)
    for before, after in zip([-1, *inner], [*inner, len(keys)], strict=True):
        part = keys[before + 1 : after]
        if len(part):
            _swap(part, 0, part.argmin())
    last = keys[inner[-1] + 1 :] if inner else keys
    _swap(last, -1, last.argmax())


def _partition(keys: Keys, wanted: list[int]) -> None:
    """The middle place first: each of the others is then looked for in one half of what is left."""
    if wanted and len(keys):
        middle = len(wanted) // 2
        place = wanted[middle]
        keys.partition(place)
        _partition(keys[:place], wanted[:middle])
        _partition(keys[place + 1 :], [other - place - 1 for other in wanted[middle + 1 :]])


def _swap(keys: Keys, one: int, other: Any) -> None:
    keys[one], keys[other] = keys[other], keys[one]


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


def between(keys: Keys, way: Floats) -> Floats:
    """What lies part of the way from one number to the next; NaN where one of the ends of a row is.

    Args:
        keys: of the numbers below and above, (2, rows, 9), from which they are made in place.
        way: the part of the way, (rows, 9).
    """
    extreme = keys.item(keys.argmin()) < -LARGE or keys.item(keys.argmax()) > LARGE
    order(keys)
    below, above = keys.view(np.float32)
    if extreme:
        return _with_extremes(below, above, way)
    above -= below
    above *= way
    above += below
    return above


def _with_extremes(below: Floats, above: Floats, way: Floats) -> Floats:
    with np.errstate(invalid="ignore", over="ignore"):
        values = below + (above - below) * way
    nearer = np.where(way < 0.5, below, above)
    values = np.where(np.isfinite(values), values, nearer)
    values[np.isnan(nearer[..., [0, -1]]).any(-1)] = np.nan
    return values
