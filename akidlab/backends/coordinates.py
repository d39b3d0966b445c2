"""Coordinates: the axes on which parallel coordinates draw a table, whatever draws them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDE = 50  # so many times apart are numbers that are drawn by their logarithms
TICKS, LETTERS = 12, 28


@dataclass(frozen=True)
class Axis:
    """One axis.

    Args:
        name: the column of the table.
        values: where each line of the table lies on it.
        ticks: what is written at which places; None where plain numbers are to be written.
    """

    name: str
    values: list[float]
    ticks: list[tuple[float, str]] | None = None

    @property
    def label(self) -> str:
        """How it is called."""
        return self.name.replace("_", " ")

    @property
    def is_of_words(self) -> bool:
        """Whether its values are words, side by side."""
        return self.ticks is not None and all(place == at for at, (place, _) in enumerate(self.ticks))


def axes(rows: Sequence[Mapping[str, Any]]) -> list[Axis]:
    """An axis for each column of a table: numbers as they are, or by their logarithms, and words.

    Example:
        >>> [axis.ticks for axis in axes([{"brain": "LeNet", "lr": 0.1}, {"brain": "VGG", "lr": 0.2}])]
        [[(0.0, 'LeNet'), (1.0, 'VGG')], None]
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return [_axis(name, [row.get(name) for row in rows]) for name in names]


def colouring(found: Sequence[Axis], asked: str | None = None) -> Axis | None:
    """The axis by which lines are coloured: the one that was asked for, else the last one of numbers."""
    named = [axis for axis in found if axis.name == asked]
    numbers = [axis for axis in found if not axis.is_of_words]
    return next(iter([*named, *numbers[::-1]]), None)


def _axis(name: str, column: Sequence[Any]) -> Axis:
    known = [value for value in column if value is not None]
    if not known or any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in known):
        return _words(name, ["none" if value is None else str(value) for value in column])
    finite = [float(value) for value in known if math.isfinite(value)]
    worst = max(finite, default=0.0)  # where a run has no number, or one that is not finite
    values = [float(v) if v is not None and math.isfinite(v) else worst for v in column]
    if min(values) > 0 and max(values) / min(values) >= WIDE:
        told = sorted(set(values))[:TICKS]
        return Axis(name, [math.log10(v) for v in values], [(math.log10(v), f"{v:.3g}") for v in told])
    return Axis(name, values)


def _words(name: str, column: Sequence[str]) -> Axis:
    places = {word: at for at, word in enumerate(dict.fromkeys(column))}
    ticks = [(at, word if len(word) <= LETTERS else word[: LETTERS - 1] + "…") for word, at in places.items()]
    return Axis(name, [float(places[word]) for word in column], [(float(at), word) for at, word in ticks])
