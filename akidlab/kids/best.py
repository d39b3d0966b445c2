"""The best validation so far, and stopping when none has been better for a while."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

from akidlab.errors import unknown
from akidlab.messages import higher_is_better


@dataclass(frozen=True, slots=True)
class Best:
    """The best value of one validation metric, and the step that reached it.

    Args:
        metric: its tag, for instance `validation_accuracy`.
        higher: whether a higher value is better.
        value: the best so far; None before the first validation.
        step: the step it was reached at.
        stale: how many validations have passed since.
    """

    metric: str = "validation_loss"
    higher: bool = False
    value: float | None = None
    step: int | None = None
    stale: int = 0

    @classmethod
    def of(cls, metric: str | tuple[str, str] | Best) -> Best:
        """`metric` by name, or `(name, "min" | "max")` where its name would mislead."""
        if isinstance(metric, Best):
            return metric
        if isinstance(metric, str):
            return cls(metric, higher_is_better(metric))
        name, direction = metric
        if direction not in ("min", "max"):
            raise ValueError(f"The direction of `{name}` is `min` or `max`, found {direction!r}.")
        return cls(name, direction == "max")

    def after(self, values: Mapping[str, float], step: int, min_delta: float = 0.0) -> Best:
        """The best once `values` have been seen at `step`; itself, one staler, if they are no better.

        Raises:
            UnknownNameError: if the validation has no such metric.
        """
        if self.metric not in values:
            raise unknown("validation metric", self.metric, values)
        value = values[self.metric]
        if self._improved(value, min_delta):
            return replace(self, value=value, step=step, stale=0)
        return replace(self, stale=self.stale + 1)

    def _improved(self, value: float, min_delta: float) -> bool:
        if math.isnan(value):
            return False
        if self.value is None or math.isnan(self.value):
            return True
        return value > self.value + min_delta if self.higher else value < self.value - min_delta


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """Ends practice when a validation metric has not become better for a while.

    Args:
        patience: how many validations may pass without a better one.
        metric: which one; `(name, "min" | "max")` where its name would mislead.
        min_delta: by how much it has to be better to count.

    Example:
        >>> EarlyStopping(patience=3, metric="validation_accuracy")
        EarlyStopping(patience=3, metric='validation_accuracy', min_delta=0.0)
    """

    patience: int = 5
    metric: str | tuple[str, str] = "validation_loss"
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.patience, Integral) or isinstance(self.patience, bool) or self.patience < 1:
            raise ValueError(f"`patience` is a number of validations, 1 or more; found {self.patience!r}.")

    @classmethod
    def of(cls, asked: int | Mapping[str, Any] | EarlyStopping | None) -> EarlyStopping | None:
        """A patience, a dict of the arguments, an EarlyStopping, or None for never."""
        if asked is None or isinstance(asked, EarlyStopping):
            return asked
        return cls(**asked) if isinstance(asked, Mapping) else cls(patience=asked)
