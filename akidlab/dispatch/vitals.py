"""Vitals: what a process of this machine does, seen from outside: works, waits, or was stopped."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

WINDOW = 5.0  # seconds over which work is seen
CORE = 0.05  # of a core, in the main thread: other threads poll, also where nothing goes on
BYTES = 100_000.0  # a second, to or from a disk


@dataclass(frozen=True)
class _Sample:
    time: float
    seconds: float
    bytes: int


class Vitals:
    """Looks at processes; the first look at one begins to watch it.

    Example:
        >>> import os
        >>> Vitals().look(os.getpid())
        'works'
    """

    def __init__(self) -> None:
        self._samples: dict[int, list[_Sample]] = {}

    def look(self, pid: int) -> str:
        """`works` (or it is too early to say), `waits`, `stopped`, or `gone`."""
        try:
            process = psutil.Process(pid)
            if process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP):
                return "stopped"
            now = _sample(process)
        except psutil.NoSuchProcess:
            return "gone"
        except psutil.AccessDenied:
            return "works"
        samples = self._samples.setdefault(pid, [])
        if samples and now.time - samples[-1].time > WINDOW:
            samples.clear()  # nobody looked for long: that was another matter
        samples.append(now)
        while len(samples) > 2 and now.time - samples[1].time >= WINDOW:
            del samples[0]
        span = now.time - samples[0].time
        if span < WINDOW:
            return "works"
        is_busy = now.seconds - samples[0].seconds > CORE * span
        return "works" if is_busy or now.bytes - samples[0].bytes > BYTES * span else "waits"

    def forget(self) -> None:
        """The processes are others now."""
        self._samples.clear()


def _sample(process: psutil.Process) -> _Sample:
    main = next((t for t in process.threads() if t.id == process.pid), None)
    seconds = 0.0 if main is None else main.user_time + main.system_time
    counters = process.io_counters() if hasattr(process, "io_counters") else None
    moved = 0 if counters is None else counters.read_bytes + counters.write_bytes
    return _Sample(time.monotonic(), seconds, moved)
