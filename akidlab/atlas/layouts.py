"""Layouts: where each filter lies in one image, as akid counts them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from akidlab.errors import KindError, unknown

LAYOUTS = ("square", "normal", "inverse", "dynamic")
KEYS = ("type", "num")


def checked(layout: str | Mapping[str, object]) -> tuple[str, int]:
    """The type and the number of a layout, such as `{"type": "normal", "num": 4}` or `"square"`.

    Raises:
        UnknownNameError: if there is no such layout, or no such key of one.
        KindError: if it is no layout, or its number is none of 1 or more.
    """
    given = {"type": layout} if isinstance(layout, str) else layout
    if not isinstance(given, Mapping) or "type" not in given:
        raise KindError(
            f'A layout is `{{"type": "normal", "num": 1}}`, or one of {", ".join(LAYOUTS)}; found {layout!r}.'
        )
    for key in given:
        if key not in KEYS:
            raise unknown("key of a layout", str(key), KEYS)
    kind, number = given["type"], given.get("num", 1)
    if kind not in LAYOUTS:
        raise unknown("layout", str(kind), LAYOUTS)
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise KindError(f"`num` of a layout is a whole number of 1 or more, found {number!r}.")
    return str(kind), number


def grid(layout: str | Mapping[str, object], count: int, height: int, width: int) -> tuple[int, int]:
    """Into how many rows and columns `count` filters are put.

    `normal` has `num` columns, and one more for what is left over; `inverse` has `num` filters in a column;
    `dynamic` has `floor(sqrt(count * height / width))` columns, so that the image is nearly square, counted
    as in `normal`; `square` is the squarest grid.

    Args:
        layout: its type and number, see `checked`.
        count: how many filters.
        height: of a filter as it is drawn, in pixels.
        width: of a filter as it is drawn: its channels side by side, and a pixel for its bias.

    Raises:
        UnknownNameError: if there is no such layout.
        KindError: if it is no layout.

    Example:
        >>> grid({"type": "normal", "num": 5}, 32, 5, 5), grid({"type": "inverse", "num": 5}, 32, 5, 5)
        ((6, 6), (5, 7))
        >>> grid("dynamic", 32, 5, 6), grid("square", 32, 5, 5)
        ((6, 6), (6, 6))
    """
    kind, number = checked(layout)
    if count < 1:
        return 0, 0
    if kind == "inverse":
        rows = min(number, count)
        return rows, math.ceil(count / rows)
    if kind == "square":
        columns = math.ceil(math.sqrt(count))
        return math.ceil(count / columns), columns
    columns = number if kind == "normal" else math.isqrt(count * height // width)
    rows = count // min(max(1, columns), count)
    return rows, math.ceil(count / rows)


def arrange(
    filters: np.ndarray,
    biases: np.ndarray | None = None,
    layout: str | Mapping[str, object] = "normal",
    *,
    colour: bool = False,
    gap: int = 1,
) -> np.ndarray:
    """Filters as one image; NaN where nothing is.

    In `square` every channel of every filter is a tile of its own, row by row, and biases are left out. In
    the others a filter is a strip: its channels side by side, and a pixel for its bias at the right end.
    Strips fill column after column.

    Args:
        filters: `[filters, channels, height, width]`.
        biases: `[filters]`, None for none.
        layout: see `grid`.
        colour: the three channels of a filter are red, green and blue of one tile.
        gap: pixels between tiles.

    Returns:
        `[rows, columns]`, or `[rows, columns, 3]` in colour.

    Raises:
        KindError: if these are no filters, no biases of them, or no layout.
        UnknownNameError: if there is no such layout.

    Example:
        >>> arrange(np.ones((2, 1, 2, 2)), np.zeros(2), "normal", gap=0)
        array([[ 1.,  1.,  0.],
               [ 1.,  1., nan],
               [ 1.,  1.,  0.],
               [ 1.,  1., nan]], dtype=float32)
    """
    kind, _ = checked(layout)
    filters = _fit(filters, biases, colour)
    count, channels, height, width = filters.shape
    if kind == "square":
        tiles = np.moveaxis(filters, 1, -1) if colour else filters.reshape(-1, height, width)
        return tiled(tiles, *grid(layout, len(tiles), height, width), gap=gap)
    strips = _strips(filters, biases, colour, gap)
    drawn = width * (1 if colour else channels) + (biases is not None)
    return tiled(strips, *grid(layout, count, height, drawn), gap=gap, down=True)


def tiled(
    tiles: np.ndarray,
    rows: int | None = None,
    columns: int | None = None,
    *,
    gap: int = 1,
    down: bool = False,
) -> np.ndarray:
    """Tiles side by side in a grid, by default the squarest one; NaN between them.

    Args:
        tiles: `[tiles, height, width]`, or `[tiles, height, width, 3]`.
        rows: of the grid.
        columns: of the grid.
        gap: pixels between tiles.
        down: fill it column by column.

    Example:
        >>> tiled(np.arange(3.0).reshape(3, 1, 1), gap=0)
        array([[ 0.,  1.],
               [ 2., nan]], dtype=float32)
    """
    if rows is None or columns is None:
        rows, columns = grid("square", len(tiles), *tiles.shape[1:3])
    count, height, width, *rest = tiles.shape
    cells = np.full((rows * columns, height + gap, width + gap, *rest), np.nan, np.float32)
    cells[:count, :height, :width] = tiles
    if down:
        cells = cells.reshape(columns, rows, *cells.shape[1:]).swapaxes(0, 1)
    else:
        cells = cells.reshape(rows, columns, *cells.shape[1:])
    sheet = cells.swapaxes(1, 2).reshape(rows * (height + gap), columns * (width + gap), *rest)
    return sheet[: rows * (height + gap) - gap, : columns * (width + gap) - gap] if len(tiles) else sheet


def _fit(filters: np.ndarray, biases: np.ndarray | None, colour: bool) -> np.ndarray:
    filters = np.asarray(filters, np.float32)
    if filters.ndim != 4:
        raise KindError(f"Filters are [filters, channels, height, width], found the shape {filters.shape}.")
    if biases is not None and np.shape(biases) != filters.shape[:1]:
        raise KindError(f"{len(filters)} filters have as many biases, found the shape {np.shape(biases)}.")
    if colour and filters.shape[1] != 3:
        raise KindError(f"Colour is made of three channels, found {filters.shape[1]}.")
    return filters


def _strips(filters: np.ndarray, biases: np.ndarray | None, colour: bool, gap: int) -> np.ndarray:
    """Each filter as it is drawn: `[filters, height, width]`, or with three numbers a pixel."""
    count, channels, height, width = filters.shape
    if colour:
        strips = np.moveaxis(filters, 1, -1)
    else:
        cells = np.full((count, height, channels, width + gap), np.nan, np.float32)
        cells[..., :width] = filters.swapaxes(1, 2)
        strips = cells.reshape(count, height, -1)[:, :, : channels * (width + gap) - gap]
    if biases is None:
        return strips
    ends = np.full((count, height, gap + 1, *strips.shape[3:]), np.nan, np.float32)
    ends[:, 0, gap] = np.reshape(np.asarray(biases, np.float32), (count, *[1] * (strips.ndim - 3)))
    return np.concatenate([strips, ends], axis=2)
