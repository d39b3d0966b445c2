"""The running mean of a series: what is drawn of it when it is noisy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from akidlab.store import Series


def check(smooth: float) -> None:
    """Refuse a weight of the past that makes no mean.

    Raises:
        ValueError: if it is not from 0 to below 1.
    """
    if not 0 <= smooth < 1:
        raise ValueError(f"`smooth` is a weight from 0 to below 1, found {smooth!r}.")


def smoothed(series: Series, weight: float, points: int = 200) -> Series:
    """The running mean of a series, corrected for its start as Adam does, in up to `points` points.

    A long series is first averaged in columns, so that a weight means the same for 10^3 samples and for 10^6.
    Samples that are not finite are passed over.
    """
    finite = np.isfinite(series.values)
    columns = np.array_split(np.flatnonzero(finite), max(1, min(points, int(finite.sum()))))
    columns = [column for column in columns if len(column)]
    means, mean, total = [], 0.0, 0.0
    for column in columns:
        mean = weight * mean + (1 - weight) * series.values[column].mean()
        total = weight * total + (1 - weight)
        means.append(mean / total)
    middles = [int(column[len(column) // 2]) for column in columns]
    return replace(series, steps=series.steps[middles], values=np.array(means), times=series.times[middles])
