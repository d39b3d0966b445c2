"""Plateau: a learning rate that falls when validations get no better."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from akidlab.clock import Clock
from akidlab.errors import DataError, unknown
from akidlab.kongfus.check import at_least_zero
from akidlab.messages import higher_is_better


class Plateau:
    """A rate that falls by `decay_rate` when more than `patience` validations in a row were no better.

    It is torch's `ReduceLROnPlateau`, told by the Kid after each validation.

    Args:
        base_lr: the rate to begin with.
        patience: how many validations may pass without a better one.
        decay_rate: what the rate is multiplied by.
        metric: the validation metric; `(name, "min" | "max")` where its name would mislead.
        threshold: by which share of the best it has to be better to count.
        cooldown: how many validations are not counted after a fall.
        min_lr: where the rate stops falling.

    Raises:
        DataError: if a number makes no sense.
    """

    def __init__(
        self,
        base_lr: float,
        *,
        patience: int = 10,
        decay_rate: float = 0.1,
        metric: str | tuple[str, str] = "validation_loss",
        threshold: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        name, direction = (metric, "") if isinstance(metric, str) else metric
        if direction not in ("", "min", "max"):
            raise DataError(f"The direction of `{name}` is `min` or `max`, found {direction!r}.")
        self.metric = name
        self.higher = direction == "max" if direction else higher_is_better(name)
        self.patience, self.cooldown = (
            at_least_zero("patience", patience),
            at_least_zero("cooldown", cooldown),
        )
        self.decay_rate = at_least_zero("decay_rate", decay_rate, below=1.0)
        self.threshold, self.min_lr = at_least_zero("threshold", threshold), at_least_zero("min_lr", min_lr)
        self.lr, self.best, self.stale, self.resting = base_lr, math.inf, 0, 0.0

    def __call__(self, clock: Clock) -> float:
        return self.lr

    def hear(self, values: Mapping[str, float]) -> None:
        """Take in what a validation measured.

        Args:
            values: the metrics, by name.

        Raises:
            UnknownNameError: if the metric is not among them.
        """
        if self.metric not in values:
            raise unknown("validation metric", self.metric, values)
        cost = -values[self.metric] if self.higher else values[self.metric]
        if math.isinf(self.best) or cost < self.best - self.threshold * abs(self.best):
            self.best, self.stale = (cost, 0) if not math.isnan(cost) else (self.best, self.stale + 1)
        else:
            self.stale += 1
        if self.resting > 0:
            self.resting, self.stale = self.resting - 1, 0
        if self.stale > self.patience:
            self.lr = max(self.lr * self.decay_rate, min(self.lr, self.min_lr))
            self.resting, self.stale = self.cooldown, 0

    def state_dict(self) -> dict[str, Any]:
        """Where it stands, in plain values."""
        best = None if math.isinf(self.best) else self.best
        return {"lr": self.lr, "best": best, "stale": self.stale, "resting": self.resting}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Stand where `state` was taken.

        Args:
            state: what `state_dict` gave.
        """
        self.lr, self.stale, self.resting = state["lr"], state["stale"], state["resting"]
        self.best = math.inf if state["best"] is None else state["best"]
