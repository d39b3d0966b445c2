"""Collecting: the tensors of a step on one device, until their percentiles are known on the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from akidlab.messages import Message, Percentiles
from akidlab.metrics.ordering import Floats
from akidlab.metrics.reading import Reading
from akidlab.metrics.staging import Stage

Found = tuple[Message, Percentiles]  # when it was so


class Collector:
    """Keeps what is needed of the tensors of one device, and tells their percentiles when a step is over.

    Args:
        device: where the tensors are.
        elements: how many values are looked at of a tensor that has more.
        exact: look at all values.
        points: of how many quantiles a sketch consists; 0 for no sketches.
    """

    def __init__(self, device: torch.device, elements: int, exact: bool, points: int) -> None:
        self.stage = Stage(device, elements, exact, points)
        self.take, self.take_all = self.stage.take, self.stage.take_all
        self._points = points
        self._reading: Reading | None = None
        self._host: tuple[Tensor, Floats] | None = None

    def finish(self, when: Message) -> Iterator[Found]:
        """What is known now that the step of `when` is over."""
        if self.stage.heard:
            yield when, self._known().read(self._numbers())
            self.stage.clear()

    def flush(self) -> Iterator[Found]:
        """What is still on its way."""
        return iter(())

    def _known(self) -> Reading:
        """The reading of what was heard: mostly the same as in the step before."""
        if self._reading is None or self._reading.slots != self.stage.heard:
            self._reading = Reading(self.stage.heard, self._points)
        return self._reading

    def _numbers(self) -> Floats:
        values = self.stage.values
        if self._host is None or self._host[0] is not values or not values.is_cpu:
            self._host = values, values.cpu().numpy()
        return self._host[1]


class CudaCollector(Collector):
    """Does not wait for the device: what a step kept is copied to the host while the next one is computed."""

    _sent: tuple[Message, Reading, Tensor, Any] | None = None
    _free: Tensor | None = None

    def finish(self, when: Message) -> Iterator[Found]:
        yield from self.flush()
        if self.stage.heard:
            self._send(when, self._known())
            self.stage.clear()

    def flush(self) -> Iterator[Found]:
        if self._sent is not None:
            when, reading, host, arrived = self._sent
            self._sent, self._free = None, host
            arrived.synchronize()  # was there long ago, unless this is the last step
            yield when, reading.read(host.numpy())

    def _send(self, when: Message, reading: Reading) -> None:
        values, host = self.stage.values, self._free
        if host is None or len(host) != len(values):
            host = self._room(len(values))
        arrived = self._copied(values[: reading.stop], host[: reading.stop])
        self._sent = when, reading, host, arrived

    def _room(self, length: int) -> Tensor:
        return torch.empty(length, pin_memory=True)

    def _copied(self, values: Tensor, host: Tensor) -> Any:
        """Have `values` copied to `host` when the device comes to it; what to wait for."""
        with torch.cuda.device(values.device):
            host.copy_(values, non_blocking=True)
            arrived = torch.cuda.Event()
            arrived.record()
        return arrived


def collector_for(device: torch.device, elements: int, exact: bool, points: int) -> Collector:
    """The collector that suits a device."""
    kind = CudaCollector if device.type == "cuda" else Collector
    return kind(device, elements, exact, points)
