"""Pending: numbers of a step that were computed and lie on their devices still, until they are published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

from akidlab.metrics.transfer import to_host

Numbers = Sequence[float]


class Place(NamedTuple):
    """What a number is published as.

    Args:
        topic: the topic.
        key: the module, None for the network.
        step: the training step.
        epoch: whole epochs behind it.
        tag: what the messages carried that it was computed of.
        kind: their topic, or the first of them.
    """

    topic: str
    key: str | None
    step: int
    epoch: int
    tag: str
    kind: str


class Pending:
    """Numbers that are brought to the host together; those of the parts of one batch become one.

    Args:
        merges: how: `mean` (weighted; also for None), `sum`, `max` or `min`.

    Example:
        >>> pending, place = Pending("mean"), Place("weights_mean", "fc", 1, 0, "train", "weights")
        >>> pending.add(place, torch.tensor(1.0), weight=30)
        >>> pending.add(place, 2.0, weight=10)
        >>> [(value, weight) for _, value, weight in pending.take()]
        [(1.25, 40.0)]
    """

    def __init__(self, merges: str | None) -> None:
        self._join = _JOINS[merges or "mean"]
        self._waiting: list[tuple[Place, float | Tensor, float]] = []

    def add(self, place: Place, value: float | Tensor, weight: float = 1.0) -> None:
        """Keep a number, or a tensor of one element, on its device."""
        self._waiting.append((place, value, float(weight)))

    def take(self, teller: object = None) -> list[tuple[Place, float, float]]:
        """Each place, its number and how much it counts; then nothing is kept.

        Raises:
            MetricError: if something is more than a number.
        """
        if not self._waiting:
            return []
        waiting, self._waiting = self._waiting, []
        values = to_host([value for _, value, _ in waiting], teller)
        found: dict[Place, tuple[list[float], list[float]]] = {}
        for (place, _, weight), value in zip(waiting, values, strict=True):
            parts = found.setdefault(place, ([], []))
            parts[0].append(value)
            parts[1].append(weight)
        return [
            (place, self._join(values, weights), sum(weights)) for place, (values, weights) in found.items()
        ]


def _mean(values: Numbers, weights: Numbers) -> float:
    if len(values) == 1:
        return values[0]
    total = sum(weights)
    if not total:
        return sum(values) / len(values)
    return sum(value * weight for value, weight in zip(values, weights, strict=True) if weight) / total


_JOINS: dict[str, Callable[[Numbers, Numbers], float]] = {
    "mean": _mean,
    "sum": lambda values, weights: sum(values),
    "max": lambda values, weights: max(values),
    "min": lambda values, weights: min(values),
}
