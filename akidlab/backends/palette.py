"""The colours of every picture: told apart by the colour-blind, legible on white and on black."""

from __future__ import annotations

import numpy as np

COLOURS = ("#1f83d1", "#cf6d00", "#227733", "#c20074", "#9900ff")
GREY = "#7a7a7a"  # text and axes
FAINT = "rgba(128,128,128,0.22)"  # lines of a grid
ALARM = "#e0433a"


def colour(index: int) -> str:
    """The colour of line number `index`; they repeat after the last."""
    return COLOURS[index % len(COLOURS)]


def first_odd(steps: np.ndarray, values: np.ndarray) -> int | None:
    """The first step whose value is infinite or not a number, None if all are finite."""
    odd = np.flatnonzero(~np.isfinite(values))
    return int(steps[odd[0]]) if len(odd) else None
