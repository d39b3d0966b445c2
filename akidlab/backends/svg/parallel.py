"""Parallel coordinates as a static picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from akidlab.backends.coordinates import Axis, axes, colouring
from akidlab.backends.palette import GREY
from akidlab.backends.svg import parts
from akidlab.backends.svg.scale import short

STOPS = ((0.0, "#1f83d1"), (0.5, "#9900ff"), (1.0, "#cf6d00"))  # from the least value to the greatest
TOP, BOTTOM, SIDE = 40, 20, 70


def parallel(
    rows: Sequence[Mapping[str, Any]], *, colour: str | None = None, width: int = 900, height: int = 300
) -> parts.Picture:
    """A line for each row of a table, across an axis for each of its columns.

    Args:
        rows: the table; values are numbers or words.
        colour: the column that colours the lines; the last one of numbers if left out.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
    """
    found = axes(rows)
    by = colouring(found, colour)
    xs = [SIDE + (width - 2 * SIDE) * at / max(1, len(found) - 1) for at in range(len(found))]
    shades = [0.0] * len(rows) if by is None else _shares(by)
    places = [_shares(axis) for axis in found]
    body = []
    for row, shade in enumerate(shades):
        points = " ".join(
            f"{x:.1f},{_y(place[row], height):.1f}" for x, place in zip(xs, places, strict=True)
        )
        body.append(f"<polyline points='{points}' fill='none' stroke='{_colour(shade)}' stroke-width='2'/>")
    for at, (x, axis) in enumerate(zip(xs, found, strict=True)):
        body.append(f"<path d='M{x:.1f} {TOP}V{height - BOTTOM}' stroke='{GREY}'/>")
        body.append(parts.text(x, 16 + 12 * (at % 2), axis.label, anchor="middle", size=12))
        body += [parts.text(x + 5, _y(share, height) + 4, word) for share, word in _ticks(axis)]
    label = "; ".join(", ".join(f"{name} {value}" for name, value in row.items()) for row in rows)
    return parts.Picture(parts.frame(width, height, f"Parallel coordinates: {label}", body))


def _ticks(axis: Axis) -> list[tuple[float, str]]:
    ticks = axis.ticks
    if ticks is None:
        ticks = [(value, short(value)) for value in dict.fromkeys([min(axis.values), max(axis.values)])]
    low, high = min(axis.values), max(axis.values)
    return [((place - low) / (high - low) if high > low else 0.5, word) for place, word in ticks]


def _shares(axis: Axis) -> list[float]:
    low, high = min(axis.values), max(axis.values)
    return [(value - low) / (high - low) if high > low else 0.5 for value in axis.values]


def _y(share: float, height: int) -> float:
    return height - BOTTOM - share * (height - BOTTOM - TOP)


def _colour(share: float) -> str:
    """Between the two stops around."""
    (low, before), (high, after) = STOPS[:2] if share <= 0.5 else STOPS[1:]
    part = (share - low) / (high - low)
    pairs = ((int(before[i : i + 2], 16), int(after[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(one + part * (other - one)):02x}" for one, other in pairs)
