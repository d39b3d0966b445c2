"""Peaks: the greatest element of each tensor, by how many times it exceeds the mean size of all."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from akidlab.messages import Message
from akidlab.metrics import Metric


class PeakSubscriber(Metric):
    """Publishes how far the greatest element stands out: `max |xᵢ| / mean |xᵢ|`.

    Args:
        kinds: topics.
        power: what sizes are raised to, to look at their energy instead.
        options: as for every `Metric`.
    """

    name = "peak"
    kinds = ("weights", "activations")
    merges = "max"

    def __init__(self, *kinds: Any, power: float = 1.0, **options: Any) -> None:
        self.power = power
        super().__init__(*kinds, **options)

    def compute(self, said: Message) -> Tensor:
        size = said.data.abs() ** self.power
        return size.max() / size.mean()
