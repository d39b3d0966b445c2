"""Slots: where the values of one tensor are kept: all, a sample, or what was found among them at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from akidlab.metrics.flattening import flat
from akidlab.metrics.ordering import Floats, Places, evenly, places
from akidlab.metrics.sampling import sample_size, sampled

MANY = 1 << 17  # from here on an exact look keeps no copy, but what it found
KEPT = 1 << 24  # unless it is on a CPU, and has not kept so many numbers (64 MB) yet in this step
Name = tuple[str, "str | None"]  # topic and key


class Slot(ABC):
    """The place of one tensor on a stage.

    Args:
        name: topic and key of the tensor.
        tensor: one such tensor; the slot is for those of its shape.
        length: how many numbers are kept of it.
    """

    ends = 0  # 1 if the exact ends stand behind a sample
    sorts = True  # False if what is kept is in order already

    def __init__(self, name: Name, tensor: Tensor, length: int) -> None:
        self.tag = name[0] if name[1] is None else f"{name[0]}/{name[1]}"
        self.shape, self.count, self.length = tensor.shape, tensor.numel(), length
        self.start = self.stop = -1

    def stand(self, values: Tensor, start: int) -> None:
        """Be the part of `values` that begins at `start`."""
        self.start, self.stop = start, start + self.length
        self.row = values[start : self.stop]

    @abstractmethod
    def take(self, tensor: Tensor) -> None:
        """Keep what is needed of `tensor`, without waiting for its device."""

    def places(self) -> tuple[Places, Places, Floats]:
        """Where in the sorted slot the nine percentiles lie; see `akidlab.metrics.ordering.places`."""
        return places(self.length, self.ends)

    def sketch(self, points: int) -> Places:
        """Where in the sorted slot evenly spaced quantiles lie, exact ones at both ends."""
        return evenly(self.length, points, self.ends)


class Whole(Slot):
    """All values of a tensor that has few."""

    def __init__(self, name: Name, tensor: Tensor) -> None:
        super().__init__(name, tensor, tensor.numel())

    def stand(self, values: Tensor, start: int) -> None:
        super().stand(values, start)
        self.shaped = self.row.view(self.shape)

    def take(self, tensor: Tensor) -> None:
        self.shaped.copy_(tensor)


class Sampled(Slot):
    """A sample of the values of a tensor that has many, with the two ends behind it."""

    ends = 1

    def __init__(self, name: Name, tensor: Tensor, elements: int) -> None:
        self.size = sample_size(tensor.numel(), elements)
        super().__init__(name, tensor, self.size + 2)
        self._places = sampled(self.count, elements, tensor.device)

    def stand(self, values: Tensor, start: int) -> None:
        super().stand(values, start)
        self._some, self._ends = self.row[: self.size], self.row[self.size :]

    def take(self, tensor: Tensor) -> None:
        values = flat(tensor)
        self._some.copy_(values.index_select(0, self._places))
        self._ends.copy_(torch.stack(torch.aminmax(values)))


class SampledOnHost(Sampled):
    """The same by NumPy, which takes half the time where it can be used."""

    def __init__(self, name: Name, tensor: Tensor, elements: int) -> None:
        super().__init__(name, tensor, elements)
        self._indices = self._places.numpy()

    def stand(self, values: Tensor, start: int) -> None:
        super().stand(values, start)
        self._some_numbers, self._two = self._some.numpy(), self._ends.numpy()

    def _is_shared(self) -> bool:
        """Whether torch's threads are there to help: while NumPy works they would spin, and take as long."""
        return self.count >= MANY and torch.get_num_threads() > 1

    def take(self, tensor: Tensor) -> None:
        if tensor.dtype is not torch.float32 or not tensor.is_contiguous() or self._is_shared():
            super().take(tensor)
            return
        numbers = (tensor.detach() if tensor.requires_grad else tensor).numpy().reshape(-1)
        self._two[0] = numbers[numbers.argmin()]  # faster than min(), and finds a NaN, too
        self._two[1] = numbers[numbers.argmax()]
        numbers.take(self._indices, out=self._some_numbers, mode="wrap")  # the mode that is fastest


class Room:
    """Memory for one tensor at a time, found once: to find so much anew takes longer than to fill it."""

    def __init__(self) -> None:
        self._numbers = torch.empty(0)

    def for_copy_of(self, values: Tensor) -> Tensor:
        """A copy of `values`, good until the next one is asked for."""
        if len(self._numbers) < len(values) or self._numbers.device != values.device:
            self._numbers = torch.empty(len(values), device=values.device)
        return self._numbers[: len(values)].copy_(values)


class Settled(Slot):
    """What was found at once among all values of a tensor: what lies below and above each percentile."""

    sorts = False

    def __init__(self, name: Name, tensor: Tensor, points: int, room: Room) -> None:
        count = tensor.numel()
        below, above, self._way = places(count)
        wanted = np.concatenate([below, above, evenly(count, points)])
        super().__init__(name, tensor, len(wanted))
        self._wanted = torch.from_numpy(wanted).to(tensor.device)
        self._room = room

    def take(self, tensor: Tensor) -> None:
        room = self._room.for_copy_of(flat(tensor))
        if room.is_cpu:
            room.numpy().sort()  # ten times as fast as torch's on a CPU
        else:
            room = room.sort().values
        torch.index_select(room, 0, self._wanted, out=self.row)

    def places(self) -> tuple[Places, Places, Floats]:
        nine = np.arange(9)
        return nine, nine + 9, self._way

    def sketch(self, points: int) -> Places:
        return 18 + np.arange(points)


class Row:
    """Slots side by side, for tensors that come together.

    Args:
        slots: one for each tensor.
        values: of what they are parts.
        start: where the first of them begins.
    """

    def __init__(self, slots: Sequence[Slot], values: Tensor, start: int) -> None:
        self.slots, self.start, self.stop = slots, start, start
        for slot in slots:
            slot.stand(values, self.stop)
            self.stop = slot.stop
        self.shapes = [slot.shape for slot in slots]
        self._small = [place for place, slot in enumerate(slots) if isinstance(slot, Whole)]
        self._shaped = [slot.shaped for slot in slots if isinstance(slot, Whole)]
        self._others = [(place, slot) for place, slot in enumerate(slots) if not isinstance(slot, Whole)]

    def take(self, tensors: Sequence[Tensor]) -> None:
        """Keep what is needed of each."""
        if self._small:
            torch._foreach_copy_(self._shaped, [tensors[place] for place in self._small])  # pyright: ignore[reportPrivateImportUsage]
        for place, slot in self._others:
            slot.take(tensors[place])


def slot_for(
    name: Name, tensor: Tensor, used: int, elements: int, exact: bool, points: int, room: Room
) -> Slot:
    """The slot that suits a tensor.

    What is sorted between torch's operations takes twice the time of a processor, since torch's threads spin
    meanwhile. So an exact look on a CPU keeps copies, as long as they are not many, and sorts all at once.

    Args:
        name: topic and key of the tensor.
        tensor: what will be kept in it, or others of its shape.
        used: how many numbers are kept before it.
        elements: how many values are looked at, if not all.
        exact: look at all values.
        points: of how many quantiles a sketch consists.
        room: where those who need it make a copy.
    """
    count = tensor.numel()
    if count <= (MANY if exact else elements) or (exact and tensor.is_cpu and used + count <= KEPT):
        return Whole(name, tensor)
    if exact:
        return Settled(name, tensor, points, room)
    return (SampledOnHost if tensor.is_cpu else Sampled)(name, tensor, elements)
