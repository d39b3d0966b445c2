"""Reading: the percentiles of all slots of a stage, in a few operations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from akidlab.messages import Percentiles
from akidlab.metrics.ordering import Keys, between, order
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
        self._even = starts + np.stack([slot.sketch(points) for slot in slots]) if points else None
        self._sorted = [slice(slot.start, slot.stop) for slot in slots if slot.sorts and slot.length > 1]
        self._tags = tuple(slot.tag for slot in slots)
        self._counts = np.array([slot.count for slot in slots])
        self._room = np.empty(self.stop, np.int32)
        self._last: tuple[Keys, Keys, list[Keys]] | None = None

    def read(self, keys: Keys) -> Percentiles:
        """The percentiles of the numbers whose bits are `keys`, which are put in order in place."""
        used, rows = self._parts(keys)
        order(used, self._room)
        for row in rows:
            row.sort()
        values = between(keys.take(self._places), self._way)
        return Percentiles(self._tags, values, self._counts, self._sketches(keys))

    def _sketches(self, keys: Keys) -> np.ndarray | None:
        if self._even is None:
            return None
        sketches = keys.take(self._even)
        order(sketches)
        return sketches.view(np.float32)

    def _parts(self, keys: Keys) -> tuple[Keys, list[Keys]]:
        """What of `keys` is used, and the rows in it that are to be sorted: mostly those of the last time."""
        if self._last is None or self._last[0] is not keys:
            self._last = keys, keys[: self.stop], [keys[part] for part in self._sorted]
        return self._last[1:]
