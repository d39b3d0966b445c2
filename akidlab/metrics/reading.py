"""Reading: the percentiles of all slots of a stage, in a few operations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from akidlab.messages import Percentiles
from akidlab.metrics.ordering import Floats, between
from akidlab.metrics.slots import Slot


class Reading:
    """Finds the percentiles of some slots, whatever numbers stand in them.

    Args:
        slots: all that were heard in a step.
        points: of how many quantiles a sketch consists; 0 for no sketches.
    """

    def __init__(self, slots: Sequence[Slot], points: int) -> None:
        found = [slot.places() for slot in slots]
        starts = np.array([[slot.start] for slot in slots])
        below, above, way = (np.stack(part) for part in zip(*found, strict=True))
        self.slots, self.stop = list(slots), max(slot.stop for slot in slots)
        self._places, self._way = np.stack([starts + below, starts + above]), way.astype(np.float32)
        self._bounds = np.empty(self._places.shape, np.float32)
        self._even = starts + np.stack([slot.sketch(points) for slot in slots]) if points else None
        self._sorted = [slice(slot.start, slot.stop) for slot in slots if slot.sorts and slot.length > 1]
        self._tags = tuple(slot.tag for slot in slots)
        self._counts = np.array([slot.count for slot in slots])
        self._numbers: Floats | None = None
        self._rows: list[Floats] = []

    def read(self, numbers: Floats) -> Percentiles:
        """The percentiles of the slots whose values stand in `numbers`, which are sorted in place."""
        if numbers is not self._numbers:
            self._numbers, self._rows = numbers, [numbers[part] for part in self._sorted]
        for row in self._rows:
            row.sort()
        numbers.take(self._places, out=self._bounds, mode="clip")  # with another mode by way of a copy
        values = between(self._bounds, self._way)
        sketches = None if self._even is None else numbers.take(self._even)
        return Percentiles(self._tags, values, self._counts, sketches)
