"""Staging: what is kept of the tensors of one step, until all of them are put in order at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from akidlab.messages.several import Names
from akidlab.metrics.flattening import flat
from akidlab.metrics.slots import Name, Room, Row, Slot, slot_for

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
        self._options = elements, exact, points, Room()
        self.values = torch.empty(START, device=device)
        self.heard: list[Slot] = []
        self.used = 0
        self._slots: dict[Name, Slot] = {}
        self._rows: dict[Names, Row] = {}

    def take(self, name: Name, tensor: Tensor) -> None:
        """Keep what is needed of `tensor`."""
        if tensor.layout is not torch.strided:
            tensor = flat(tensor)
        slot = self._slots.get(name)
        if slot is None or slot.start != self.used or slot.shape != tensor.shape:
            if tensor.numel() == 0:
                return
            slot = self._place(name, slot_for(name, tensor, self.used, *self._options))
        slot.take(tensor)
        self.heard.append(slot)
        self.used = slot.stop

    def take_all(self, names: Names, tensors: Sequence[Tensor]) -> None:
        """Keep what is needed of several tensors, none of them empty, in one go."""
        row = self._rows.get(names)
        if row is None or row.start != self.used or row.shapes != [tensor.shape for tensor in tensors]:
            row = self._rows[names] = self._row(names, tensors)
        row.take(tensors)
        self.heard += row.slots
        self.used = row.stop

    def clear(self) -> None:
        """Make room for the next step; what stands here is not lost until then."""
        self.heard, self.used = [], 0

    def _place(self, name: Name, slot: Slot) -> Slot:
        self._make_room(slot.length)
        slot.stand(self.values, self.used)
        self._slots[name] = slot
        return slot

    def _row(self, names: Names, tensors: Sequence[Tensor]) -> Row:
        slots: list[Slot] = []
        length = 0
        for name, tensor in zip(names, tensors, strict=True):
            slots.append(slot_for(name, tensor, self.used + length, *self._options))
            length += slots[-1].length
        self._make_room(length)
        return Row(slots, self.values, self.used)

    def _make_room(self, length: int) -> None:
        """See that there is room; if more is needed, all that stands here moves."""
        if self.used + length > len(self.values):
            values = self.values.new_empty(2 * (self.used + length))
            values[: self.used] = self.values[: self.used]
            self.values, self._slots, self._rows = values, {}, {}
            for slot in self.heard:
                slot.stand(values, slot.start)
