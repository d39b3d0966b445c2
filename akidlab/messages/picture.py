"""Pictures: numbers as 255 levels and back."""

from __future__ import annotations

import numpy as np

from akidlab.errors import DataError
from akidlab.messages.payload import Picture

LEVELS, NOTHING = 254, 255  # the level of the greatest number, and of what is not finite


def picture(
    values: np.ndarray,
    biases: np.ndarray | None = None,
    *,
    total: int | None = None,
    channels: int | None = None,
) -> Picture:
    """Numbers as a picture.

    Args:
        values: `[items, channels, height, width]`.
        biases: `[items]`, None if there are none.
        total: how many items there are, where these are a part of them.
        channels: how many channels each has, where these are a part of them.

    Raises:
        DataError: if these are other shapes.

    Example:
        >>> picture(np.array([[[[-1.0, 0.0, 1.0]]]])).levels.ravel()
        array([  0, 127, 254], dtype=uint8)
    """
    values = np.asarray(values, np.float32)
    if values.ndim != 4 or (biases is not None and np.shape(biases) != values.shape[:1]):
        raise DataError(
            f"A picture is [items, channels, height, width], with as many biases as items; found the shapes "
            f"{values.shape} and {None if biases is None else np.shape(biases)}."
        )
    fine = np.isfinite(values)
    low, high = (float(values[fine].min()), float(values[fine].max())) if fine.any() else (0.0, 0.0)
    scale = LEVELS / (high - low) if high > low else 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        levels = np.where(fine, (values.astype(np.float64) - low) * scale, 0).round().astype(np.uint8)
    levels[~fine] = NOTHING
    held = None if biases is None else np.asarray(biases, np.float32)
    return Picture(levels, low, high, held, total or len(values), channels or values.shape[1])


def numbers(picture: Picture) -> np.ndarray:
    """The numbers of a picture to within half a level, `[items, channels, height, width]`; NaN if not finite.

    Example:
        >>> numbers(picture(np.array([[[[0.0, np.inf, 2.0]]]])))
        array([[[[ 0., nan,  2.]]]], dtype=float32)
    """
    found = picture.low + picture.levels.astype(np.float64) * ((picture.high - picture.low) / LEVELS)
    found[picture.levels == NOTHING] = np.nan
    return found.astype(np.float32)
