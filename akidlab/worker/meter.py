"""The Meter: what each step costs this rank, and whether its weights are still those of the others."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from akidlab.worker.fingerprints import Arriving, Fingerprints
from akidlab.worker.trace import Trace

if TYPE_CHECKING:
    from torch import Tensor

    from akidlab.engines import Engine
    from akidlab.kids import Kid
    from akidlab.worker.collectives import Collectives

EVERY = 8  # steps between two looks at weights and gradients: what is wrong is seen within ten
KEPT = 100_000  # steps that nobody fetched
_NOTHING = b"0 0 0"  # where the kernel does not tell how long a thread waited for a core


class Meter:
    """Measures from outside how an engine averages gradients: a few microseconds a step.

    In a synchronous step all ranks take as long as the slowest. So two things are told apart: the rank's own
    work, between two averages, and how long it then waits for the others. A rank that lags works long and
    waits little. Before a step at which ranks did something else together (validated, committed) its own
    work is not known.

    Args:
        engine: whose `average` is measured.
        collectives: counts what the engine does together with others.

    Example:
        >>> from akidlab import engines
        >>> from akidlab.worker.collectives import Collectives
        >>> engine = engines.get("single")
        >>> Meter(engine, Collectives(engine)).take() is None
        True
    """

    def __init__(self, engine: Engine, collectives: Collectives) -> None:
        self._engine, self._collectives, self._average = engine, collectives, engine.average
        engine.average = self._measured  # type: ignore[method-assign]
        self._kid: Kid | None = None
        self._fingerprints: Fingerprints | None = None
        self._rows: deque[tuple[int, float, float, float, bytes, bytes]] = deque(maxlen=KEPT)
        self._looks: deque[tuple[int, int, Arriving]] = deque(maxlen=KEPT)
        self._trace: Trace | None = None
        self._file = -1  # how long this thread has waited for a core
        self._forget()

    def begin(self, kid: Kid) -> None:
        """Measure the steps of `kid` from now on; called by the thread that will train it."""
        self.end()
        path = f"/proc/self/task/{threading.get_native_id()}/schedstat"
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if os.path.exists(path) else -1
        self._kid, self._fingerprints = kid, Fingerprints(kid.brain)

    def trace(self, steps: int, file: str | None = None) -> None:
        """Note every collective of so many steps; `file` is for the engine's own timeline."""
        if self._trace is None or self._trace.told is not None:
            self._trace = Trace(self._collectives, steps, file, self._engine.timeline)

    def stop(self) -> None:
        """The last step is made: what is being traced is complete."""
        if (trace := self._trace) is not None:
            trace.end()

    def end(self) -> None:
        """It has practised: nothing of it is held any longer."""
        self._kid = self._fingerprints = self._trace = None
        self._rows.clear()
        self._looks.clear()
        self._forget()
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def take(self) -> dict[str, Any] | None:
        """What was measured since the last time; None if there is nothing.

        Of each of the `steps` the moments at which its averaging `began` and `ended`, the seconds of `own`
        work before it (NaN where that is not known), and how many of them it `queued` for a core. Of every
        eighth step `looks`: the step, the bytes that are averaged, and the norm of this rank's own gradients;
        and the `sums` of its weights, as `Fingerprints` tells them. The `trace`, when it is complete.
        """
        told = None if self._trace is None else self._trace.told  # first: its steps are among the rows
        rows = [self._rows.popleft() for _ in range(len(self._rows))]
        if not rows:
            return None
        looks: list[tuple[float, float, float]] = []
        while self._looks and self._looks[0][2].is_here:
            step, size, norm = self._looks.popleft()
            looks.append((step, size, float(norm.read())))
        steps, began, ended, own, before, after = zip(*rows, strict=True)
        fingerprints = self._fingerprints
        if told is not None:
            self._trace = None
        return {
            "steps": np.array(steps, np.int64),
            "began": np.array(began),
            "ended": np.array(ended),
            "own": np.array(own),
            "queued": np.array([_delay(b) - _delay(a) for a, b in zip(before, after, strict=True)]),
            "looks": np.array(looks, np.float64).reshape(-1, 3),
            "sums": None if fingerprints is None else fingerprints.take(),
            "trace": told,
        }

    def _measured(self, gradients: Sequence[Tensor], loss: Tensor, flag: bool) -> tuple[Tensor, bool]:
        kid, collectives, clock = self._kid, self._collectives, time.monotonic
        if kid is None:
            return self._average(gradients, loss, flag)
        step = kid.step + 1
        if step % EVERY == 0:
            self._look(step, gradients)
        is_plain = collectives.number == self._number
        after, began = self._waited(), clock()
        averaged = self._average(gradients, loss, flag)
        ended = clock()
        own = began - self._ended if is_plain else math.nan
        self._rows.append((step, began, ended, own, self._before, after))
        self._number, self._ended, self._before = collectives.number, ended, self._waited()
        if (trace := self._trace) is not None:
            trace.after(step)
        return averaged

    def _look(self, step: int, gradients: Sequence[Tensor]) -> None:
        size = sum(gradient.numel() * gradient.element_size() for gradient in gradients)
        norms = torch._foreach_norm(list(gradients))  # pyright: ignore[reportPrivateImportUsage]
        self._looks.append((step, size, Arriving(torch.linalg.vector_norm(torch.stack(norms)))))
        if self._fingerprints is not None:
            self._fingerprints.note(step)

    def _waited(self) -> bytes:
        return os.pread(self._file, 64, 0) if self._file >= 0 else _NOTHING

    def _forget(self) -> None:
        self._number, self._ended, self._before = -1, 0.0, _NOTHING


def _delay(told: bytes) -> float:
    """The seconds that a thread was able to run and had no core, of what the kernel says of it."""
    return int(told.split()[1]) / 1e9
