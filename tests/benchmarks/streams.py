"""Runs of any length, and what it costs to tell a browser of them; nothing here knows torch."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import comm
import numpy as np
from jupyter_client.session import Session

from akidlab.messages import Message, Percentiles, Samples
from akidlab.store import Bands, Recorder, Run, Series, Store, pieces
from akidlab.store.pulse import Pulse, Tag

CHUNK = 10_000
SESSION = Session(key=b"")
NINE = np.sort(np.random.default_rng(0).normal(size=(1000, 9)).astype(np.float32), axis=1)


class Wire(comm.base_comm.BaseComm):
    """A comm that packs its messages as a kernel does, and counts and keeps them instead of sending."""

    def __init__(self, *args: Any, **keys: Any) -> None:
        self.sent: list[tuple[dict[str, Any], list[Any]]] = []
        self.bytes = self.messages = 0
        super().__init__(*args, **keys)

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        parts = SESSION.serialize(
            SESSION.msg(msg_type, content={"comm_id": self.comm_id, "data": data or {}})
        )
        self.bytes += sum(map(len, parts)) + sum(memoryview(one).nbytes for one in buffers or [])
        self.messages += 1
        self.sent.append((data or {}, list(buffers or [])))


@contextmanager
def wires() -> Iterator[list[Wire]]:
    """Every comm that is made meanwhile."""
    made: list[Wire] = []

    def make(*_: object, **keys: Any) -> Wire:
        made.append(Wire(**keys))
        return made[-1]

    before, comm.create_comm = comm.create_comm, make
    try:
        yield made
    finally:
        comm.create_comm = before


class Mirrored(Run):
    """A run that has its one scalar and its one distribution many times: each of them is read for itself."""

    def __init__(self, run: Run, many: int) -> None:
        super().__init__(run.store, run.id, run.uid)
        self.many = many

    def pulse(self) -> Pulse:
        pulse = super().pulse()
        return replace(
            pulse,
            tags=self._many(pulse.tags["loss"], "metric"),
            distributions=self._many(pulse.distributions["weights/conv"], "weights/conv"),
        )

    def scalars(self, tag: str | None = None, **which: Any) -> Series:
        return replace(super().scalars("loss", **which), tag=tag or "")

    def percentiles(self, tag: str | None = None, **which: Any) -> Bands:
        return replace(super().percentiles("weights/conv", **which), tag=tag or "")

    def _many(self, tag: Tag, name: str) -> dict[str, Tag]:
        return {f"{name}{i}": replace(tag, name=f"{name}{i}") for i in range(self.many)}


@dataclass
class Stream:
    """A run that was told of `length` steps, of a scalar and of a distribution, and is told of more."""

    store: Store
    length: int
    name: str = "stream"
    scalars: tuple[str, ...] = ("loss",)
    tensors: tuple[str, ...] = ("weights/conv",)
    step: int = 0
    run: Run = field(init=False)
    recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        self.run = self.store.create(self.name, max_steps=10 * max(1, self.length))
        self.recorder = Recorder(self.run).start()
        for first in range(1, self.length + 1, CHUNK):
            steps = np.arange(first, min(first + CHUNK, self.length + 1))
            self._samples(steps)
            with self.store.writing() as db:
                for tensor in self.tensors:
                    pieces.write(db, self.run.id, tensor, _rows(steps))
        self.step = self.length
        self.recorder.flush()

    def go_on(self, steps: int, looks: int = 1) -> None:
        """So many more steps, with `looks` into the tensors; on disk when it comes back."""
        self._samples(np.arange(self.step + 1, self.step + steps + 1))
        for look in range(looks):
            step = self.step + max(1, (look + 1) * steps // looks)
            found = np.tile(NINE[step % 1000], (len(self.tensors), 1))
            told = Percentiles(self.tensors, found, np.full(len(self.tensors), 9216))
            self.recorder.hear(Message("percentiles", told, step=step))
        self.step += steps
        self.recorder.flush()

    def stop(self) -> None:
        """It has finished."""
        self.recorder.stop("finished")

    def _samples(self, steps: np.ndarray) -> None:
        values = np.exp(-steps / 1e5) + 0.1 * NINE[steps % 1000, 4]
        for tag in self.scalars:
            told = Samples(steps.tolist(), values.tolist(), (1e9 + steps / 100).tolist())
            self.recorder.hear(Message(tag, told, step=int(steps[-1])))


@dataclass(frozen=True)
class Cost:
    """What a repaint takes: milliseconds of the processor, and bytes on their way."""

    milliseconds: float
    bytes: float


@dataclass(frozen=True)
class Line:
    """A figure, with what was promised of it."""

    what: str
    found: str
    limit: str = ""
    kept: bool | None = None


def within(what: str, found: float, limit: float, unit: str = "", digits: str = ",.0f") -> Line:
    """A figure that has a limit."""
    return Line(what, f"{found:{digits}}{unit}", f"≤ {limit:{digits}}{unit}", found <= limit)


def cost(repaint: Callable[[], int], before: Callable[[], object], turns: int) -> Cost:
    """The medians over `turns` repaints, each after `before`, which is not counted."""
    spent, sizes = [], []
    for _ in range(turns + 1):
        before()
        begun = time.thread_time()
        sizes.append(repaint())
        spent.append(1000 * (time.thread_time() - begun))
    return Cost(statistics.median(spent[1:]), statistics.median(sizes[1:]))


def text_size(plain: Mapping[str, object]) -> int:
    """Bytes of an answer by the server, where numbers are text."""
    return len(json.dumps(plain))


def _rows(steps: np.ndarray) -> np.ndarray:
    rows = np.zeros(len(steps), pieces.ROW)
    rows["step"], rows["time"], rows["count"] = steps, 1e9 + steps / 100, 9216
    rows["values"] = NINE[steps % 1000]
    return rows
