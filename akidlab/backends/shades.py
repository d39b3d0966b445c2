"""How bands are shaded, and which of many distributions are shown: the same in every picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

import numpy as np

from akidlab.backends.smoothing import smoothed
from akidlab.messages import PERCENTS
from akidlab.store import Bands

COLUMNS = 3  # of charts, at most
STRIPS = ((0, 8), (1, 7), (2, 6), (3, 5))  # the lines between which it is shaded, outside first
SHADES = (0.15, 0.27, 0.41, 0.57)  # how much each strip covers of what lies behind
SAID = ("minimum to maximum", "7 to 93%", "16 to 84%", "31 to 69%")
FIRST = ("activations", "weights", "weight_gradients", "weight_updates")  # what tells most


def rgba(colour: str, alpha: float) -> str:
    """A colour, such as `#1f83d1`, that lets something through.

    Example:
        >>> rgba("#1f83d1", 0.25)
        'rgba(31,131,209,0.25)'
    """
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def on_top(strip: int) -> float:
    """How much a strip adds where it is painted over those outside of it."""
    return SHADES[0] if strip == 0 else 1 - (1 - SHADES[strip]) / (1 - SHADES[strip - 1])


def grid(many: int) -> tuple[int, int]:
    """Into how many columns and rows charts are put.

    Example:
        >>> grid(1), grid(2), grid(7)
        ((1, 1), (2, 1), (3, 3))
    """
    columns = min(COLUMNS, max(1, many))
    return columns, math.ceil(max(1, many) / columns)


def pick(tags: Sequence[str], many: int) -> list[str]:
    """Those that stand for all: of each topic the first, then of each the second, and so on.

    Example:
        >>> pick(["biases/a", "biases/b", "weights/a", "weights/b"], 3)
        ['weights/a', 'biases/a', 'weights/b']
    """
    topics: dict[str, list[str]] = {}
    for tag in tags:
        topics.setdefault(tag.split("/")[0], []).append(tag)
    order = sorted(topics, key=lambda topic: FIRST.index(topic) if topic in FIRST else len(FIRST))
    rounds = zip_longest(*(topics[topic] for topic in order))
    return [tag for one in rounds for tag in one if tag is not None][:many]


def stretches(bands: Bands, *, log: bool = False) -> list[Bands]:
    """The parts without a gap: a gap is left where one of the nine is not finite, or has no logarithm."""
    fine = np.isfinite(bands.values).all(axis=1) & (not log or bands.values[:, 0] > 0)
    edges = np.flatnonzero(np.diff(fine)) + 1
    parts = [part for part in np.split(np.arange(len(bands)), edges) if len(part) and fine[part[0]]]
    return [_some(bands, part) for part in parts]


def joined(parts: Sequence[Bands]) -> Bands:
    """Parts of one distribution as one."""
    names = ("steps", "values", "times", "counts")
    return replace(
        parts[0], **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    )


def first_odd(bands: Bands) -> int | None:
    """The first step at which one of the nine is not finite, None if there is none."""
    odd = np.flatnonzero(~np.isfinite(bands.values).all(axis=1))
    return int(bands.steps[odd[0]]) if len(odd) else None


def smooth_bands(bands: Bands, weight: float, points: int) -> Bands:
    """The running means of all nine lines; observations that are not finite are passed over."""
    if not weight:
        return bands.thin(points)
    fine = joined(stretches(bands) or [bands])
    lines = [smoothed(fine.line(percent), weight, points) for percent in PERCENTS]
    places = np.searchsorted(fine.steps, lines[0].steps)
    return replace(_some(fine, places), values=np.stack([line.values for line in lines], axis=1))


def _some(bands: Bands, places: np.ndarray) -> Bands:
    return replace(
        bands,
        steps=bands.steps[places],
        values=bands.values[places],
        times=bands.times[places],
        counts=bands.counts[places],
    )
