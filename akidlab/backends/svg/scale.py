"""Where steps and values lie in a chart, and the numbers along its axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from akidlab.store import Series

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Scale:
    """Where steps and values lie in a chart."""

    def __init__(
        self,
        panel: Sequence[Series],
        steps: tuple[float, float],
        left: float,
        right: float,
        top: float,
        bottom: float,
        *,
        log: bool = False,
    ) -> None:
        self.first, self.last = steps
        self.right, self.top, self.bottom = right, top, bottom
        values = np.concatenate([series.values for series in panel] or [np.empty(0)])
        values = values[np.isfinite(values)]
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        orders = math.log10(high) - math.log10(low) if low > 0 else 0
        self.log = (log and low > 0) or (orders >= 2 and panel[0].tag == "learning_rate")
        if low == high:
            low, high = (low - abs(low) / 2, high + abs(high) / 2) if low else (-1.0, 1.0)
        if not self.log and 0 < low < 0.35 * high:
            low = 0.0  # a chart that nearly reaches zero should show it
        self.low, self.high = low, high
        longest = max((len(short(value)) for value in self.y_ticks()), default=0)
        self.left = max(left, 10 + 6.2 * longest)

    def x(self, step: float) -> float:
        """Where a step lies."""
        return self.left + (step - self.first) / (self.last - self.first) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Where a value lies."""
        if self.log:
            low = math.log(self.low)
            share = (math.log(value) - low) / (math.log(self.high) - low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)

    def x_ticks(self) -> list[float]:
        """The steps with a number."""
        room = max(2, int((self.right - self.left) / 60))
        return [step for step in ticks(self.first, self.last, room) if step == int(step)]

    def y_ticks(self) -> list[float]:
        """The values with a number."""
        if not self.log:
            return ticks(self.low, self.high)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        factors = (1, 2, 5) if len(powers) <= 4 else (1,)
        values = [float(f"{factor}e{power}") for power in powers for factor in factors]
        inside = [value for value in values if self.low <= value <= self.high]
        return inside[:: max(1, len(inside) // 5)]


def span(all_series: Sequence[Series]) -> tuple[float, float]:
    """The steps of all charts, so that they stand above each other in time; from 0 if that is near."""
    ends = [float(step) for series in all_series if len(series) for step in series.steps[[0, -1]]]
    first, last = (min(ends), max(ends)) if ends else (0.0, 1.0)
    if 0 < first <= 0.1 * last:
        first = 0.0
    return (first, last) if first < last else (max(0.0, first - 1), last + 1)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round numbers from `low` to `high`.

    Example:
        >>> ticks(0.0, 0.93)
        [0.0, 0.2, 0.4, 0.6, 0.8]
    """
    raw = (high - low) / count
    if not raw > 0 or not math.isfinite(raw):
        return [low]
    power = 10.0 ** math.floor(math.log10(raw))
    size = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9)
    return [float(f"{index * size:.12g}") for index in range(first, last + 1)]


def short(value: float) -> str:
    """A tick's number in a few characters.

    Example:
        >>> short(20_000), short(0.05), short(1e-5), short(2.5e12)
        ('20k', '0.05', '10⁻⁵', '2.5·10¹²')
    """
    size = abs(value)
    if size >= 1e9 or 0 < size < 1e-3:
        mantissa, exponent = f"{value:.2e}".split("e")
        power = "10" + str(int(exponent)).translate(RAISED)
        return {"1.00": power, "-1.00": f"-{power}"}.get(mantissa, f"{float(mantissa):g}·{power}")
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if size >= max(unit, 1e4):
            return f"{value / unit:.4g}{name}"
    return f"{value:.6g}"
