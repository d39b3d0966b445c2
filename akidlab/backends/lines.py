"""Lines: what a figure of series draws, line by line; the same in every backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from akidlab.backends.naming import keys_of, looks_of
from akidlab.backends.palette import first_odd
from akidlab.backends.smoothing import check, smoothed
from akidlab.store import Bands, Series

FEW = 30  # a line of so many samples shows each of them
MEANS = 600  # points of a running mean, at most
FINE = 8  # steps that a short axis tells one by one


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a figure.

    Args:
        name: what tells it from the others.
        drawn: its points, thinned, or their running mean.
        below: the samples, if a running mean is drawn over them.
        colour: of the line.
        dash: `solid`, `dash`, `dot`, ...
        odd: the first step at which it is not finite, None if there is none.
    """

    name: str
    drawn: Series
    below: Series | None
    colour: str
    dash: str
    odd: int | None

    @property
    def is_dotted(self) -> bool:
        """True if there are so few samples that each is to be seen."""
        return len(self.drawn) <= FEW

    @property
    def complaint(self) -> str:
        """What is said where it is not finite."""
        return f"{self.name} is not finite"


def lines(series_list: Sequence[Series], smooth: float, points: int) -> list[Line]:
    """The lines of a figure.

    Args:
        series_list: what to draw, of one run or of several.
        smooth: the weight of the past in a running mean, 0 (none) to below 1.
        points: of each line, at most.

    Raises:
        ValueError: if `smooth` is not in its range.
    """
    check(smooth)
    names, looks = keys_of(series_list), looks_of(series_list)
    return [
        _line(series, name, look, smooth, points)
        for series, name, look in zip(series_list, names, looks, strict=True)
    ]


def _line(series: Series, name: str, look: tuple[str, str], smooth: float, points: int) -> Line:
    thin, odd = series.thin(points), first_odd(series.steps, series.values)
    if not smooth:
        return Line(name, thin, None, *look, odd)
    return Line(name, smoothed(series, smooth, min(MEANS, points)), thin, *look, odd)


def is_short(found: Sequence[Series] | Sequence[Bands]) -> bool:
    """True if the axis of steps, from 0 on, is so short that each has its number."""
    return max((int(one.steps[-1]) for one in found if len(one)), default=0) <= FINE


def room(found: Sequence[Series]) -> tuple[float, float] | None:
    """From where to where an axis reaches if all values are the same; None if they differ."""
    values = np.concatenate([one.values for one in found] or [np.empty(0)])
    values = np.unique(values[np.isfinite(values)])
    if len(values) != 1:
        return None
    value = float(values[0])
    return (value - abs(value) / 2, value + abs(value) / 2) if value else (-1.0, 1.0)
