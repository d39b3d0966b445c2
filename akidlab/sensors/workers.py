"""Workers: processes that make the batches of a sensor."""

from __future__ import annotations

import os
import selectors
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import cloudpickle
import torch

from akidlab.errors import DataError, WorkerError
from akidlab.sensors.frames import frame
from akidlab.sensors.memory import Place, SharedMemory, layout
from akidlab.sensors.process import Process

if TYPE_CHECKING:
    from torch import Tensor

    from akidlab.sensors.maker import Batch, Maker
    from akidlab.sensors.span import Span

_LOOK = 1.0  # seconds between looks whether an interrupt has come


class Slot(NamedTuple):
    """A stretch of shared memory for one batch."""

    offset: int
    end: int


class Workers:
    """Processes that make batches: each is told which, and puts it into memory that all share.

    Args:
        maker: how batches are made; it travels to each of them.
        number: how many there are.
        room: bytes that a batch may take in shared memory; one that is larger goes through a pipe.
        slots: how many batches find room at a time.
        parts: the training samples, if they are to be shared, too.
        timeout: seconds to wait for a batch at most; None for ever.
    """

    def __init__(
        self,
        maker: Maker,
        number: int,
        *,
        room: int,
        slots: int,
        parts: Sequence[Tensor] = (),
        timeout: float | None = None,
    ) -> None:
        self.timeout, self.device, self.closed = timeout, maker.device, False
        content = _packed(maker, with_source=not parts)
        self._answers: dict[int, dict[str, Any]] = {}
        self._slots: dict[int, Slot] = {}  # of tickets under way
        self._dropped: set[int] = set()
        self._count = 0
        self._memory = SharedMemory(room * slots)
        self._free = deque(Slot(room * i, room * (i + 1)) for i in range(slots))
        places, size = layout(parts)
        shared = SharedMemory(size) if parts else None
        if shared is not None:
            for place, tensor in zip(places, parts, strict=True):
                shared.tensor(place).copy_(tensor)
        header = {
            "ticket": 0,
            **{"size": self._memory.size, "fd": self._memory.fd},
            **{"parts": places, "parts_size": size, "parts_fd": shared.fd if shared else -1},
        }
        greeting = frame(header, content)
        fds = [memory.fd for memory in (self._memory, shared) if memory is not None]
        self._processes = [Process(i, number, fds) for i in range(number)]
        for process in self._processes:
            process.tell(greeting)
        if shared is not None:
            shared.close()
        self._selector = selectors.DefaultSelector()
        for process in self._processes:
            self._selector.register(process.popen.stdout, selectors.EVENT_READ, process)  # type: ignore[arg-type]

    def submit(self, span: Span) -> int:
        """Tell the worker with the least to do to make the batch of a span; gives a ticket for it."""
        self._count += 1
        ticket = self._count
        process = min(self._processes, key=lambda process: len(process.under_way))
        slot = self._free.popleft() if self._free else Slot(0, 0)
        self._slots[ticket] = slot
        process.under_way[ticket] = span
        process.tell(frame({"ticket": ticket, "span": span, "offset": slot.offset, "end": slot.end}))
        return ticket

    def result(self, ticket: int) -> Batch:
        """The batch of a ticket, once it is made.

        Raises:
            WorkerError: if a worker failed with it, died, or hangs.
        """
        since = time.monotonic()
        while ticket not in self._answers:
            if self.timeout is not None and time.monotonic() - since > self.timeout:
                raise self._failed(self._hanging(ticket))
            if self._hear(_LOOK):
                since = time.monotonic()
        answer = self._answers.pop(ticket)
        try:
            if "error" in answer:
                raise WorkerError(answer["error"])
            return self._batch(answer)
        finally:
            self._leave(ticket)

    def drop(self, ticket: int) -> None:
        """Nobody is going to ask for this one: its slot is free as soon as it is made."""
        if self._answers.pop(ticket, None) is not None:
            self._leave(ticket)
        elif ticket in self._slots:
            self._dropped.add(ticket)

    def close(self) -> None:
        """End all of them, and wait until they are gone."""
        if self.closed:
            return
        self.closed = True
        for process in self._processes:
            process.let_go()
        for process in self._processes:
            process.wait()
        self._selector.close()
        self._memory.close()

    def _hear(self, seconds: float) -> bool:
        """Take what the workers have to say; False if they had nothing."""
        ready = self._selector.select(seconds)
        for key, _ in ready:
            process: Process = key.data
            piece = os.read(key.fd, 1 << 20)
            if not piece:
                raise self._failed(self._dead(process))
            for header, payload in process.frames.feed(piece):
                self._note(process, header, payload)
        return bool(ready)

    def _note(self, process: Process, header: dict[str, Any], payload: bytearray) -> None:
        ticket = header["ticket"]
        span = process.under_way.pop(ticket, None)
        if "error" in header:
            if ticket == 0:
                raise self._failed(f"{process} could not begin:\n{header['error']}")
            header["error"] = f"{process} failed with {_told(span)}:\n{header['error']}"
        if ticket in self._dropped:
            self._dropped.discard(ticket)
            self._leave(ticket)
        elif ticket:
            self._answers[ticket] = header | {"payload": payload}

    def _batch(self, answer: dict[str, Any]) -> Batch:
        """A copy of a batch: its slot is needed again."""
        if "places" in answer:
            found = [self._memory.tensor(Place(o, dtype, tuple(s))) for o, dtype, s in answer["places"]]
            return [t.clone() if self.device is None else t.to(self.device, copy=True) for t in found]
        places = [Place(o, dtype, tuple(s)) for o, dtype, s in answer["inline"]]
        found = [_taken(answer["payload"], place) for place in places]
        return found if self.device is None else [tensor.to(self.device) for tensor in found]

    def _leave(self, ticket: int) -> None:
        slot = self._slots.pop(ticket)
        if slot.end:
            self._free.append(slot)

    def _dead(self, process: Process) -> str:
        made = next(iter(process.under_way.values()), None)
        return (
            f"{process} ended while it made {_told(made)}: {process.fate()}. The sensor begins anew with the "
            f"next batch that is asked for.{process.words()}"
        )

    def _hanging(self, ticket: int) -> str:
        process = next(process for process in self._processes if ticket in process.under_way)
        return (
            f"{process} has not made {_told(process.under_way[ticket])} within {self.timeout:g} s. The "
            f"source or a joker hangs, or is slow: give the sensor a longer `timeout`.{process.where()}"
        )

    def _failed(self, message: str) -> WorkerError:
        self.close()
        return WorkerError(message)


def _packed(maker: Maker, with_source: bool) -> bytes:
    try:
        return cloudpickle.dumps(maker.travelling(with_source))
    except Exception as error:
        raise DataError(
            f"The source `{maker.source.name}`, or a joker, cannot travel to a worker: {error} What cannot "
            f"be pickled (locks, open files) is best made in `fetch`, when it is needed; or take a "
            f"`SimpleSensor`, whose thread needs no copy."
        ) from error


def _told(span: Span | None) -> str:
    if span is None:
        return "no batch"
    return f"the batch of samples {span.first} to {span.last - 1} of `{span.mode}`, epoch {span.epoch}"


def _taken(payload: bytearray, place: Place) -> Tensor:
    dtype = getattr(torch, place.dtype)
    if not place.length:
        return torch.empty(place.shape, dtype=dtype)
    count = place.length // dtype.itemsize
    return torch.frombuffer(payload, dtype=dtype, count=count, offset=place.offset).view(place.shape)
