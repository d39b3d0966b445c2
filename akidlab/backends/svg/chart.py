"""A chart as a static picture: lines, bars, histograms, and stems over a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from akidlab.backends.palette import GREY, colour
from akidlab.backends.svg import parts
from akidlab.backends.svg.parts import Picture
from akidlab.backends.svg.scale import short, ticks

if TYPE_CHECKING:
    from akidlab.atlas import Chart

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 320, 58, 50, 280
BINS = 30


def chart(drawn: Chart) -> Picture:
    """A chart as a static picture."""
    body = [parts.text(2, 16, drawn.title, size=14, weight=600)]
    body += {"lines": _lines, "bars": _bars, "histogram": _histogram, "stems": _stems}[drawn.kind](drawn)
    return Picture(parts.frame(WIDTH, HEIGHT, f"{drawn.title}: {', '.join(drawn.arrays)}", body))


class _Plane:
    """Where numbers lie, with axes."""

    def __init__(self, xs: np.ndarray, ys: np.ndarray, log_x: bool = False) -> None:
        self.log = log_x
        self.x0, self.x1 = _ends(np.log10(xs[xs > 0]) if log_x else xs)
        self.y0, self.y1 = _ends(ys)

    def x(self, value: float) -> float:
        at = np.log10(value) if self.log else value
        return LEFT + (at - self.x0) / (self.x1 - self.x0) * (WIDTH - 20 - LEFT)

    def y(self, value: float) -> float:
        return BOTTOM - (value - self.y0) / (self.y1 - self.y0) * (BOTTOM - TOP)

    def axes(self, x: str, y: str, across: bool = True) -> list[str]:
        body = [f"<path d='M{LEFT} {TOP}V{BOTTOM}H{WIDTH - 20}' fill='none' stroke='{GREY}'/>"]
        for value in ticks(self.y0, self.y1):
            body.append(parts.text(LEFT - 6, self.y(value) + 4, short(value), anchor="end"))
            body.append(
                f"<path d='M{LEFT} {self.y(value):.1f}H{WIDTH - 20}' stroke='{GREY}' stroke-opacity='.25'/>"
            )
        for value in ticks(self.x0, self.x1) if across else []:
            place = LEFT + (value - self.x0) / (self.x1 - self.x0) * (WIDTH - 20 - LEFT)
            said = short(float(10**value) if self.log else value)
            body.append(parts.text(place, BOTTOM + 15, said, anchor="middle"))
        body.append(parts.text((LEFT + WIDTH) / 2, HEIGHT - 8, x, anchor="middle"))
        return [*body, parts.text(2, TOP - 10, y)]


def _ends(values: np.ndarray) -> tuple[float, float]:
    found = values[np.isfinite(values)]
    low, high = (float(found.min()), float(found.max())) if len(found) else (0.0, 1.0)
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _legend(drawn: Chart) -> list[str]:
    if len(drawn.arrays) < 2:
        return []
    body, x = [], 160.0
    for number, name in enumerate(drawn.arrays):
        if x + 20 + 6.4 * len(name) > WIDTH:
            break
        body.append(f"<rect x='{x:.1f}' y='{TOP - 18}' width='10' height='8' fill='{colour(number)}'/>")
        body.append(parts.text(x + 14, TOP - 10, name))
        x += 30 + 6.4 * len(name)
    return body


def _lines(drawn: Chart) -> list[str]:
    both = [np.asarray(array, np.float64) for array in drawn.arrays.values()]
    joined = np.concatenate(both, axis=1) if both else np.empty((2, 0))
    plane = _Plane(joined[0], joined[1], drawn.log_x)
    body = plane.axes(drawn.x, drawn.y) + _legend(drawn)
    for number, (xs, ys) in enumerate(both):
        fine = np.isfinite(xs) & np.isfinite(ys) & ((xs > 0) | (not drawn.log_x))
        points = [f"{plane.x(x):.1f} {plane.y(y):.1f}" for x, y in zip(xs[fine], ys[fine], strict=True)]
        if points:
            look = f"fill='none' stroke='{colour(number)}' stroke-width='1.6'"
            body.append(f"<path d='M{'L'.join(points)}' {look}/>")
    return body


def _bars(drawn: Chart) -> list[str]:
    numbers = [float(np.nanmean(array)) for array in drawn.arrays.values()]
    plane = _Plane(np.array([0.0, max(1, len(numbers))]), np.array([0.0, *numbers]))
    body = plane.axes(drawn.x, drawn.y, across=False)
    for at, (name, number) in enumerate(zip(drawn.arrays, numbers, strict=True)):
        left, right, top = plane.x(at + 0.15), plane.x(at + 0.85), plane.y(number)
        body.append(
            f"<rect x='{left:.1f}' y='{top:.1f}' width='{right - left:.1f}' height='{BOTTOM - top:.1f}'"
            f" fill='{colour(0)}'/>"
        )
        if len(numbers) <= 12:
            body.append(parts.text((left + right) / 2, BOTTOM + 15, name, anchor="middle"))
    return body


def _histogram(drawn: Chart) -> list[str]:
    fine = {name: a[np.isfinite(a)] for name, a in drawn.arrays.items()}
    every = np.concatenate([*fine.values()]) if fine else np.empty(0)
    edges = np.linspace(*_ends(every), BINS + 1)
    counts = {name: np.histogram(values, edges)[0] for name, values in fine.items()}
    most = max((int(found.max()) for found in counts.values()), default=1)
    plane = _Plane(edges, np.array([0.0, float(max(1, most))]))
    body = plane.axes(drawn.x, drawn.y) + _legend(drawn)
    for number, found in enumerate(counts.values()):
        for at, count in enumerate(found.tolist()):
            if count:
                left, right, top = plane.x(edges[at]), plane.x(edges[at + 1]), plane.y(count)
                body.append(
                    f"<rect x='{left:.1f}' y='{top:.1f}' width='{max(0.5, right - left - 1):.1f}'"
                    f" height='{BOTTOM - top:.1f}' fill='{colour(number)}' fill-opacity='.65'/>"
                )
    return body


def _stems(drawn: Chart) -> list[str]:
    """A plane seen from the front and above: rows go back, and up the page."""
    heights = np.nan_to_num(np.asarray(drawn.array, np.float64))
    rows, columns = heights.shape
    low, high = min(0.0, float(heights.min())), max(1e-12, float(heights.max()))
    body = []
    for row in range(rows):
        for column in range(columns):
            x = 40 + (column + 0.5) / columns * 420 + row / rows * 130
            y = HEIGHT - 30 - row / rows * 120
            tip = y - (heights[row, column] - min(low, 0.0)) / (high - low) * 120
            body.append(
                f"<path d='M{x:.1f} {y:.1f}V{tip:.1f}' stroke='{colour(0)}' stroke-opacity='.6'/>"
                f"<circle cx='{x:.1f}' cy='{tip:.1f}' r='1.8' fill='{colour(0)}'/>"
            )
    return body
