"""Bands: what the store answers about one distribution of one run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from akidlab.messages import PERCENTS
from akidlab.store.pieces import far_out
from akidlab.store.series import Series, import_pandas

if TYPE_CHECKING:
    import pandas
    from jaxtyping import Float32, Float64, Int64

NAMES = ("minimum", *(f"{percent}%" for percent in PERCENTS[1:-1]), "maximum")


@dataclass(frozen=True, eq=False, repr=False)
class Bands:
    """How the values of a tensor were spread, in the order of the steps at which it was observed.

    Args:
        tag: what was observed, for instance `weights/conv1`.
        steps: the training steps, ascending.
        values: nine for each step: minimum, 7, 16, 31, 50, 69, 84, 93 percent, maximum.
        times: seconds since the epoch, one for each step.
        run: the name of the run.
        total: how many observations the run has; more than `len` if these are thinned or partial.
        counts: how many elements the tensor had, one for each step.

    Example:
        >>> bands = Bands("weights/conv1", np.array([1, 2]), np.arange(18.0).reshape(2, 9), np.zeros(2))
        >>> bands.last.tolist()
        [9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0]
        >>> bands.line(50).values.tolist()
        [4.0, 13.0]
    """

    tag: str
    steps: Int64[np.ndarray, " samples"]
    values: Float32[np.ndarray, "samples 9"]
    times: Float64[np.ndarray, " samples"]
    run: str = ""
    total: int = field(default=-1)
    counts: Int64[np.ndarray, " samples"] = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        if self.total < 0:
            object.__setattr__(self, "total", len(self.steps))
        if len(self.counts) != len(self.steps):
            object.__setattr__(self, "counts", np.zeros(len(self.steps), np.int64))

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def last(self) -> Float32[np.ndarray, "9"] | None:
        """The newest nine values, None if there are none."""
        return self.values[-1] if len(self) else None

    def at(self, step: int) -> Float32[np.ndarray, "9"] | None:
        """The nine values of the newest observation up to `step`, None if there was none."""
        place = int(np.searchsorted(self.steps, step, side="right"))
        return self.values[place - 1] if place else None

    def line(self, percent: int) -> Series:
        """One of the nine as a series, named as it is in a picture: `minimum`, `7%`, ..., `maximum`.

        Raises:
            ValueError: if it is none of the nine.
        """
        if percent not in PERCENTS:
            raise ValueError(
                f"There is no line of {percent!r} percent. Known: {', '.join(map(str, PERCENTS))}."
            )
        place = PERCENTS.index(percent)
        values = self.values[:, place].astype(np.float64)
        return Series(NAMES[place], self.steps, values, self.times, self.run, self.total)

    def thin(self, points: int = 500) -> Bands:
        """At most `points` of these observations that look the same when drawn.

        The steps are cut into equal columns; of each the observation with the lowest minimum and that with
        the highest maximum are kept (and one that is not a number, if there is any), and so are the first and
        the last. No value is made up.

        Raises:
            ValueError: if `points` is below 8.
        """
        if points < 8:
            raise ValueError(f"Bands are thinned to 8 points or more, found {points}.")
        if len(self) <= points:
            return self
        columns = (points - 2) // (3 if np.isnan(self.values).any() else 2)
        width = math.ceil((int(self.steps[-1]) - int(self.steps[0]) + 1) / columns)
        inner = far_out(self.values, (self.steps - self.steps[0]) // width)
        chosen = np.unique(np.concatenate([[0, len(self) - 1], inner]))
        return replace(
            self,
            steps=self.steps[chosen],
            values=self.values[chosen],
            times=self.times[chosen],
            counts=self.counts[chosen],
        )

    def to_pandas(self) -> pandas.DataFrame:
        """A table by steps, with the columns `minimum`, `7%`, ..., `maximum`, `count` and `time` (UTC).

        Raises:
            MissingPackageError: if pandas is not installed.
        """
        pandas = import_pandas()
        lines = dict(zip(NAMES, self.values.T, strict=True))
        times = pandas.to_datetime(self.times, unit="s", utc=True)
        index = pandas.Index(self.steps, name="step")
        return pandas.DataFrame({**lines, "count": self.counts, "time": times}, index=index)

    def __repr__(self) -> str:
        if not len(self):
            return f"Bands({self.tag!r}: no observations)"
        shown = f"{len(self):,}" if len(self) == self.total else f"{len(self):,} of {self.total:,}"
        span = f"steps {self.steps[0]:,} to {self.steps[-1]:,}"
        low, middle, high = (f"{value:.4g}" for value in self.values[-1, [0, 4, 8]])
        return f"Bands({self.tag!r}: {shown} observations, {span}, last {low} to {high}, median {middle})"
