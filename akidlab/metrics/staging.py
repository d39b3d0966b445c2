"""Staging: what is kept of the tensors of one step, until all of them are put in order at once."""

from __future__ import annotations

import torch
from torch import Tensor

from akidlab.metrics.slots import Name, Slot, slot_for

START = 1 << 12  # numbers that there is room for at first


class Stage:
    """One row of numbers on one device, which the slots of a step share.

    Args:
        device: where the tensors are.
        elements: how many values are looked at of a tensor that has more.
        exact: look at all values.
        points: of how many quantiles a sketch consists.
    """

    def __init__(self, device: torch.device, elements: int, exact: bool = False, points: int = 0) -> None:
        self._options = elements, exact, points
        self.values = torch.empty(START, device=device)
        self.heard: list[Slot] = []
        self.used = 0
        self._slots: dict[Name, Slot] = {}

    def take(self, name: Name, tensor: Tensor) -> None:
        """Keep what is needed of `tensor`."""
        slot = self._slots.get(name)
        if slot is None or slot.start != self.used or slot.shape != tensor.shape:
            if tensor.numel() == 0:
                return
            slot = self._place(name, slot_for(name, tensor, *self._options))
        slot.take(tensor)
        self.heard.append(slot)
        self.used = slot.stop

    def clear(self) -> None:
        """Make room for the next step; what stands here is not lost until then."""
        self.heard, self.used = [], 0

    def _place(self, name: Name, slot: Slot) -> Slot:
        needed = self.used + slot.length
        if needed > len(self.values):
            self._grow(2 * needed)
        slot.stand(self.values, self.used)
        self._slots[name] = slot
        return slot

    def _grow(self, size: int) -> None:
        values = self.values.new_empty(size)
        values[: self.used] = self.values[: self.used]
        self.values, self._slots = values, {}
        for slot in self.heard:
            slot.stand(values, slot.start)
