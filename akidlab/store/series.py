"""A Series: what the store answers about one scalar of one run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from akidlab.errors import MissingPackageError
from akidlab.messages import higher_is_better

if TYPE_CHECKING:
    import pandas
    from jaxtyping import Float64, Int64


@dataclass(frozen=True, eq=False, repr=False)
class Series:
    """The samples of one scalar, in the order of their steps.

    Args:
        tag: what was measured, for instance `validation_loss`.
        steps: the training steps, ascending.
        values: one value for each step; NaN and infinities are kept.
        times: seconds since the epoch, one for each step.
        run: the name of the run.
        total: how many samples the run has; more than `len` if this is a thinned or partial series.

    Example:
        >>> series = Series("loss", np.array([1, 2]), np.array([0.5, 0.25]), np.array([0.0, 1.0]))
        >>> series.last, series.best, len(series)
        (0.25, 0.25, 2)
    """

    tag: str
    steps: Int64[np.ndarray, " samples"]
    values: Float64[np.ndarray, " samples"]
    times: Float64[np.ndarray, " samples"]
    run: str = ""
    total: int = field(default=-1)

    def __post_init__(self) -> None:
        if self.total < 0:
            object.__setattr__(self, "total", len(self.steps))

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def last(self) -> float | None:
        """The newest value, None if there is none."""
        return float(self.values[-1]) if len(self) else None

    @property
    def best(self) -> float | None:
        """The lowest value of a loss or an error, the highest of anything else; None if none is a number."""
        index = self._best()
        return None if index is None else float(self.values[index])

    @property
    def best_step(self) -> int | None:
        """The first step at which `best` was reached."""
        index = self._best()
        return None if index is None else int(self.steps[index])

    def thin(self, points: int = 2000) -> Series:
        """At most `points` of these samples that look the same when drawn.

        The steps are cut into equal columns; of each its lowest and its highest sample is kept (and one that
        is not a number, if there is any), and so are the first and the last sample. No value is made up.
        """
        if points < 8:
            raise ValueError(f"A series is thinned to 8 points or more, found {points}.")
        if len(self) <= points:
            return self
        chosen = _columns(self.steps, self.values, points)
        return replace(self, steps=self.steps[chosen], values=self.values[chosen], times=self.times[chosen])

    def held(self, until: int) -> Series:
        """A learning rate as it was from its first step up to `until`; any other series as it is.

        A rate is told when it changes, and holds until then. Where this series is thinned or partial, it is
        not known when it changed; there only its last value is drawn out.

        Example:
            >>> rate = Series("learning_rate", np.array([0, 20]), np.array([0.1, 0.01]), np.zeros(2))
            >>> rate.held(60).steps.tolist(), rate.held(60).values.tolist()
            ([0, 19, 20, 60], [0.1, 0.1, 0.01, 0.01])
        """
        if self.tag != "learning_rate" or not len(self):
            return self
        last = [max(until, int(self.steps[-1]))]
        ends = np.concatenate([self.steps[1:] - 1 if len(self) == self.total else self.steps[1:], last])
        steps, first = np.unique(np.concatenate([self.steps, ends]), return_index=True)
        values, times = (np.tile(kept, 2)[first] for kept in (self.values, self.times))
        return replace(self, steps=steps, values=values, times=times, total=max(self.total, len(steps)))

    def to_pandas(self) -> pandas.DataFrame:
        """A table with the steps as its index, and the columns `<tag>` and `time` (UTC).

        Raises:
            MissingPackageError: if pandas is not installed.
        """
        pandas = import_pandas()
        times = pandas.to_datetime(self.times, unit="s", utc=True)
        index = pandas.Index(self.steps, name="step")
        return pandas.DataFrame({self.tag: self.values, "time": times}, index=index)

    def __repr__(self) -> str:
        if not len(self):
            return f"Series({self.tag!r}: no samples)"
        shown = f"{len(self):,}" if len(self) == self.total else f"{len(self):,} of {self.total:,}"
        span = f"steps {self.steps[0]:,} to {self.steps[-1]:,}"
        best = "none" if self.best is None else f"{self.best:.4g} at step {self.best_step:,}"
        return f"Series({self.tag!r}: {shown} samples, {span}, last {self.last:.4g}, best {best})"

    def _best(self) -> int | None:
        numbers = np.flatnonzero(~np.isnan(self.values))
        if not len(numbers):
            return None
        pick = np.argmax if higher_is_better(self.tag) else np.argmin
        return int(numbers[pick(self.values[numbers])])


def import_pandas():  # the module itself has no type
    """pandas, or an error that says how to get it."""
    try:
        import pandas
    except ImportError as error:
        raise MissingPackageError("pandas is not installed. Install it with: pip install pandas") from error
    return pandas


def _columns(steps: np.ndarray, values: np.ndarray, points: int) -> np.ndarray:
    from tsdownsample import MinMaxDownsampler

    odd = np.flatnonzero(np.isnan(values))
    columns = (points - 2) // (3 if len(odd) else 2)
    numbers = np.flatnonzero(~np.isnan(values))
    kept = [np.array([0, len(steps) - 1])]
    if len(odd):
        width = math.ceil((int(steps[-1]) - int(steps[0]) + 1) / columns)
        _, first = np.unique((steps[odd] - steps[0]) // width, return_index=True)
        kept.append(odd[first])
    if len(numbers) > 2 * columns:
        x = np.ascontiguousarray(steps[numbers])
        chosen = MinMaxDownsampler().downsample(x, np.ascontiguousarray(values[numbers]), n_out=2 * columns)
        numbers = numbers[chosen.astype(np.int64)]
    kept.append(numbers)
    return np.unique(np.concatenate(kept))
