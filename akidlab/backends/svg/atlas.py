"""An atlas as a static picture: each image a small PNG within it, with its name and what its colours mean."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from akidlab.backends import heat
from akidlab.backends.palette import GREY
from akidlab.backends.svg import parts
from akidlab.backends.svg.parts import Picture
from akidlab.backends.svg.scale import short

if TYPE_CHECKING:
    from akidlab.atlas import Atlas

WIDTH, GAP, NAME, BAR = 900, 16, 18, 22
CELLS = 150_000  # numbers of a picture that a notebook saves; the rest is had by `.array` and `.save`
SHOWN = 64  # images
FEW = 6  # images, which have more room each
SMALL, LARGE = 96, 24  # pixels: of a side at least, of a number at most


def atlas(drawn: Atlas, *, whole: bool = False) -> Picture:
    """An atlas as a static picture.

    Args:
        drawn: what to draw.
        whole: draw all of it, however much that is.
    """
    shown = drawn.arrays if whole else _fitting(drawn.arrays)
    left = len(drawn.arrays) - len(shown)
    body, x, y, row = [parts.text(2, 16, drawn.title, size=14, weight=600)], 0.0, 28.0, 0.0
    for name, array in shown.items():
        width, height = size(array, many=len(shown))
        said, bar = _said(name, array, drawn.arrays[name]), array.ndim == 2 and not drawn.grey
        room = max(width, 6.3 * len(said), _bar_width(array, width) if bar else 0.0)
        if x and x + room > WIDTH:
            x, y, row = 0.0, y + row + GAP, 0.0
        body.append(_image(array, x, y, width, height, said, drawn.grey))
        if bar:
            body.append(_bar(array, x, y + NAME + height + 5, width))
        x, row = x + room + GAP, max(row, NAME + height + (BAR if bar else 0))
    y += row + 8
    note = " · ".join([drawn.note] * bool(drawn.note) + [f"{left} more in `.arrays`"] * (left > 0))
    if note:
        body.append(parts.text(2, y + 10, note))
        y += 16
    return Picture(parts.frame(WIDTH, math.ceil(y + 4), f"{drawn.title}: {', '.join(shown)}", body))


def _fitting(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What a saved notebook has room for: of large images their beginning."""
    named = list(arrays.items())[:SHOWN]
    share = CELLS // max(1, len(named))
    return {name: _cut(array, share) for name, array in named}


def _cut(array: np.ndarray, cells: int) -> np.ndarray:
    rows, columns = array.shape[:2]
    if rows * columns <= cells:
        return array
    side = math.isqrt(cells)
    columns = min(columns, max(side, cells // rows))
    return array[: max(1, min(rows, cells // columns)), :columns]


def size(array: np.ndarray, many: int) -> tuple[float, float]:
    """The width and the height of one of `many` images: whole pixels for a number while there is room.

    A few images fill the width together, as far as numbers are not blown up beyond what helps the eye.

    Example:
        >>> size(np.zeros((11, 23)), 1), size(np.zeros((31, 5)), 1), size(np.zeros((8, 8)), 16)
        ((552.0, 264.0), (100.0, 620.0), (96.0, 96.0))
    """
    rows, columns = array.shape[:2]
    tall = 640 if many == 1 else 420 if many <= FEW else 220
    most = min(WIDTH / columns, tall / rows)
    wanted = SMALL / max(rows, columns)
    if many <= FEW:
        wanted = max(wanted, min(LARGE, 800 / many / columns), 3.0)
    times = min(most, max(wanted, 2.0))
    if times > 1:
        times = float(math.floor(times))
    return columns * times, rows * times


def _said(name: str, drawn: np.ndarray, whole: np.ndarray) -> str:
    return name if drawn.shape == whole.shape else f"{name} (a part; `.save` writes all)"


def _image(array: np.ndarray, x: float, y: float, width: float, height: float, name: str, grey: bool) -> str:
    data = b64encode(heat.png(array, grey=grey)).decode()
    return parts.text(x, y + 12, name) + (
        f"<image x='{x:.1f}' y='{y + NAME:.1f}' width='{width:.1f}' height='{height:.1f}'"
        f" preserveAspectRatio='none' style='image-rendering:pixelated' href='data:image/png;base64,{data}'/>"
    )


def _bar(array: np.ndarray, x: float, y: float, width: float) -> str:
    low, high = heat.span(array)
    colours: Sequence[str] = heat.stops(low)
    kind = "parting" if low < 0 else "rising"  # pages hold many pictures: one name is one look
    stops = "".join(
        f"<stop offset='{at / (len(colours) - 1):.3f}' stop-color='{colour}'/>"
        for at, colour in enumerate(colours)
    )
    bar = _stripe(width)
    return (
        f"<defs><linearGradient id='akid-{kind}'>{stops}</linearGradient></defs>"
        + f"<rect x='{x:.1f}' y='{y:.1f}' width='{bar:.1f}' height='6' rx='2' fill='url(#akid-{kind})'"
        f" stroke='{GREY}' stroke-opacity='.3'/>"
        + parts.text(x + bar + 5, y + 7, _meaning(low, high), size=10)
    )


def _stripe(width: float) -> float:
    return max(30.0, min(width, 120.0) - 44)


def _bar_width(array: np.ndarray, width: float) -> float:
    """How far a bar reaches with what it means, which is wider than a slim image."""
    return _stripe(width) + 5 + 6 * len(_meaning(*heat.span(array)))


def _meaning(low: float, high: float) -> str:
    return f"±{short(_two(high))}" if low < 0 else f"0 to {short(_two(high))}"


def _two(value: float) -> float:
    return float(f"{value:.2g}")
