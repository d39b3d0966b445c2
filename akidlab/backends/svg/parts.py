"""The strokes of a static picture: axes, lines, words, and what frames them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from akidlab.backends.palette import ALARM, GREY, first_odd
from akidlab.backends.svg.scale import Scale, short

if TYPE_CHECKING:
    from akidlab.store import Series

FONT = "font-family='system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif'"
LEFT, RIGHT, TOP, BOTTOM = 46, 16, 40, 24  # of one chart: room for its ticks, its name and its legend
ODD = 12  # at most so many lines are told that they are not finite


class Picture(str):
    """The text of an SVG, which a notebook shows as the picture that it is."""

    def _repr_svg_(self) -> str:
        return str(self)


def frame(width: int, height: int, label: str, body: Sequence[str]) -> str:
    """The picture around what is drawn; `label` is for who cannot see it."""
    label = escape(label, quote=True)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' role='img'"
        f" viewBox='0 0 {width} {height}' style='max-width:100%;height:auto' {FONT} font-size='11'"
        f" fill='{GREY}' aria-label=\"{label}\">{''.join(body)}</svg>"
    )


def axes(scale: Scale) -> str:
    """The lines and numbers of both axes."""
    left, right, bottom = scale.left, scale.right, scale.bottom
    rows, columns = scale.y_ticks(), scale.x_ticks()
    across = "".join(f"M{left:g} {scale.y(value):.1f}H{right:.1f}" for value in rows)
    marks = "".join(f"M{scale.x(value):.1f} {bottom:g}v4" for value in columns)
    parts = [
        f"<path d='{across}' stroke='{GREY}' stroke-opacity='.25'/>",
        f"<path d='{marks}M{left:g} {bottom:g}H{right:.1f}' stroke='{GREY}'/>",
        *(text(left - 6, scale.y(value) + 4, short(value), anchor="end") for value in rows),
        *(text(scale.x(value), bottom + 16, short(value), anchor="middle") for value in columns),
    ]
    return "".join(parts)


def path(points: Iterable[tuple[float, float]]) -> str:
    """A line through points, as small as it can be told: tenths of a pixel, each from the one before.

    Example:
        >>> path([(10, 20.04), (11.5, 19.3), (12, 19.3)])
        'M10 20l1.5-.7 .5 0'
    """
    told, here = [], None
    for x, y in points:
        there = round(10 * x), round(10 * y)
        across, up = there if here is None else (there[0] - here[0], there[1] - here[1])
        told.append(_tenths(across) + (" " if up >= 0 else "") + _tenths(up))
        here = there
    first, rest = told[0], told[1:]
    joined = "".join(one if one.startswith("-") or not at else f" {one}" for at, one in enumerate(rest))
    return f"M{first}l{joined}" if rest else f"M{first}"


def _tenths(number: int) -> str:
    """A number of tenths, without what may be left out: 7 is .7, -30 is -3."""
    said = f"{number / 10:.1f}".removesuffix(".0")
    return said.replace("0.", ".", 1) if abs(number) < 10 and number else said


def line(series: Series, scale: Scale, stroke: str, pattern: str = "", *, points: int = 2000) -> str:
    """A series as a line, with dots if it has few samples and gaps where they are not finite."""
    thin = series.thin(max(8, min(points, int(scale.right - scale.left))))
    parts: list[list[tuple[float, float]]] = [[]]
    for step, value in zip(thin.steps.tolist(), thin.values.tolist(), strict=True):
        if math.isfinite(value):
            parts[-1].append((scale.x(step), scale.y(value)))
        elif parts[-1]:
            parts.append([])  # a gap
    dots = [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2' fill='{stroke}'/>" for part in parts for x, y in part]
    drawn = "".join(path(part) for part in parts if part)
    look = f"fill='none' stroke='{stroke}' stroke-width='1.5' stroke-linejoin='round'{pattern}"
    return f"<path d='{drawn}' {look}/>" + ("".join(dots) if len(series) <= 30 else "")


def dashed(dash: str) -> str:
    """How a dash of plotly's is written here."""
    pattern = {"dash": "7 4", "dot": "2 3", "dashdot": "7 3 2 3", "longdash": "12 4"}.get(dash)
    return f" stroke-dasharray='{pattern}'" if pattern else ""


def odd(series: Series, scale: Scale, said: str, row: int) -> str:
    """A line where a series is no longer finite; its words stand in a row of their own."""
    step = first_odd(series.steps, series.values)
    return "" if step is None else mark(step, scale, said, row)


def mark(step: int, scale: Scale, said: str, row: int) -> str:
    """A line at a step; what is said of it stands in a row of its own."""
    x, words = scale.x(step), f"{said} at {step:,}"
    line = f"<path d='M{x:.1f} {scale.top:g}V{scale.bottom:g}' stroke='{ALARM}' stroke-dasharray='2 3'/>"
    return line + text(
        min(x + 4, scale.right - 6.2 * len(words)), scale.top + 10 + 13 * row, words, fill=ALARM
    )


def text(
    x: float, y: float, said: str, *, anchor: str = "", size: int = 0, weight: int = 0, fill: str = ""
) -> str:
    """Words at a place."""
    more = f" text-anchor='{anchor}'" if anchor else ""
    more += f" font-size='{size}'" if size else ""
    more += f" font-weight='{weight}'" if weight else ""
    more += f" fill='{fill}'" if fill else ""
    return f"<text x='{x:.1f}' y='{y:.1f}'{more}>{escape(said)}</text>"
