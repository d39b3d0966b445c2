"""Bands as a static picture: how far tensors were spread, in shades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from akidlab.backends.naming import names_of
from akidlab.backends.palette import colour
from akidlab.backends.shades import SAID, STRIPS, first_odd, grid, on_top, smooth_bands, stretches
from akidlab.backends.smoothing import check
from akidlab.backends.svg import parts
from akidlab.backends.svg.parts import BOTTOM, LEFT, RIGHT, Picture
from akidlab.backends.svg.scale import Scale, span
from akidlab.messages import PERCENTS

if TYPE_CHECKING:
    from akidlab.store import Bands, Series

GAP, HEAD, LEGEND = 18, 26, 22
TOP = 22  # of one chart: room for its name
POINTS = 60  # of one of several charts


def bands(
    bands_list: Sequence[Bands],
    *,
    title: str | None = None,
    log: bool = False,
    smooth: float = 0.0,
    width: int = 900,
) -> Picture:
    """How tensors were spread, each in a chart of its own.

    Args:
        bands_list: what to draw.
        title: what stands above.
        log: draw the values on a logarithmic axis; those that are not positive are left out.
        smooth: the weight of the past in a running mean, 0 (none) to below 1.
        width: of the picture, in pixels.

    Raises:
        ValueError: if `smooth` is not in its range.
    """
    check(smooth)
    top = HEAD if title else 6
    points, each = (200, 300) if len(bands_list) == 1 else (POINTS, 190)
    named = zip(bands_list, names_of(bands_list), strict=True)
    thin = [smooth_bands(replace(one, tag=name), smooth, points) for one, name in named]
    body, height = row(thin, width, grid(len(thin))[0], each, log=log)
    head = [parts.text(2, 16, title, size=14, weight=600)] if title else []
    label = ". ".join([title or "distributions", *map(repr, bands_list)])
    drawn = [*head, f"<g transform='translate(0,{top})'>{body}</g>"]
    return Picture(parts.frame(width, top + height, label, drawn))


def row(
    bands_list: Sequence[Bands],
    width: int,
    columns: int,
    height: int,
    *,
    steps: tuple[float, float] | None = None,
    log: bool = False,
    note: str = "",
) -> tuple[str, int]:
    """A legend, and below it the charts in rows; with how high that is."""
    each = (width - GAP * (columns - 1)) / columns
    steps = steps or span([one.line(50) for one in bands_list])
    body = [_legend(), parts.text(width - 2, 12, note, anchor="end") if note else ""]
    for index, one in enumerate(bands_list):
        x, y = index % columns * (each + GAP), LEGEND + index // columns * (height + GAP)
        body.append(f"<g transform='translate({x:.1f},{y})'>{_chart(one, each, height, steps, log)}</g>")
    rows = math.ceil(len(bands_list) / columns)
    return "".join(body), LEGEND + rows * (height + GAP) - GAP


def _legend() -> str:
    body, x = [], 2.0
    for strip, said in enumerate(SAID):
        # as it looks where they lie over each other
        body += [f"<path d='M{x:.0f} 3h14v10h-14Z' {_shade(each)}/>" for each in (strip, *range(strip))]
        x += 38 + 6.5 * len(said)
    words, at = [], 2.0
    for said in SAID:
        words.append(parts.text(at + 19, 12, said))
        at += 38 + 6.5 * len(said)
    middle = f"<path d='M{x:.0f} 8h14' stroke='{colour(0)}' stroke-width='1.5'/>"
    return "".join([_look(body), *words, middle, parts.text(x + 19, 12, "50%")])


def _chart(one: Bands, width: float, height: int, steps: tuple[float, float], log: bool) -> str:
    pieces = stretches(one, log=log)
    outer = [piece.line(percent) for piece in pieces for percent in (0, 100)]
    scale = Scale(outer or [one.line(0)], steps, LEFT, width - RIGHT, TOP, height - BOTTOM, log=log)
    body = [parts.text(0, 12, one.tag, size=12, weight=600), parts.axes(scale)]
    body += [_shaded(piece, scale) for piece in pieces]
    step = first_odd(one)
    body += [parts.mark(step, scale, "not finite", 0)] if step is not None else []
    return "".join(body)


def _shaded(piece: Bands, scale: Scale) -> str:
    body = []
    for strip, (low, high) in enumerate(STRIPS):
        there = _points(piece.line(PERCENTS[high]), scale)
        back = _points(piece.line(PERCENTS[low]), scale)[::-1]
        body.append(f"<path d='{parts.path(there + back)}Z' {_shade(strip)}/>")
    middle = parts.path(_points(piece.line(50), scale))
    return f"{_look(body)}<path d='{middle}' fill='none' stroke='{colour(0)}' stroke-width='1.5'/>"


def _look(strips: Sequence[str]) -> str:
    """What all strips have in common is told once."""
    return (
        f"<g fill='{colour(0)}' stroke='{colour(0)}' stroke-opacity='.5' stroke-width='.7'>"
        f"{''.join(strips)}</g>"
    )


def _shade(strip: int) -> str:
    return f"fill-opacity='{on_top(strip):.2f}'"


def _points(line: Series, scale: Scale) -> list[tuple[float, float]]:
    places = zip(line.steps.tolist(), line.values.tolist(), strict=True)
    return [(scale.x(step), scale.y(value)) for step, value in places]
