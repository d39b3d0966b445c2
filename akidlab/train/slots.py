"""Slots: the GPUs of this machine, or shares of its CPU, which instances take and give back."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from akidlab.errors import TuningError
from akidlab.train.semaphore import Semaphore

MEMORY = 2**30  # bytes that a process with torch, a network and some data takes


@dataclass(frozen=True)
class Slot:
    """What an instance holds while it trains.

    Args:
        gpus: the GPUs, as `CUDA_VISIBLE_DEVICES` names them.
        shares: how many shares of the CPU, where it trains there.
        threads: how many threads it may use.
        environment: the variables that tell its process so.
    """

    gpus: tuple[str, ...] = ()
    shares: int = 0
    threads: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)


class Slots:
    """Hands out GPUs, and where there are none shares of the CPU.

    Args:
        gpus: the GPUs to use, as `CUDA_VISIBLE_DEVICES` names them; by default all that we may see.
        shares: how many instances train on the CPU at once; by default as many as there are cores and GiB of
            memory.

    Example:
        >>> slots = Slots(gpus=["0", "1"])
        >>> slot = slots.take(2)
        >>> slot.environment["CUDA_VISIBLE_DEVICES"]
        '0,1'
        >>> slots.give(slot)
    """

    def __init__(self, gpus: Sequence[str | int] | None = None, shares: int | None = None) -> None:
        self.gpus = [str(gpu) for gpu in (visible_gpus() if gpus is None else gpus)]
        if shares is not None and (not isinstance(shares, int) or shares < 1):
            raise TuningError(f"`slots` is a whole number of 1 or more, found {shares!r}.")
        self.shares = default_shares() if shares is None else shares
        self._of_gpus = Semaphore(len(self.gpus)) if self.gpus else None
        self._of_cpu = Semaphore(self.shares)
        self._free = list(self.gpus)
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How many there are of what an instance takes by default."""
        return len(self.gpus) or self.shares

    def check(self, gpus: int) -> None:
        """Raise a TuningError if nobody can ever take `gpus`: it would be waited for, for ever."""
        if gpus > self.count:
            what, more = ("GPUs", "fewer") if self.gpus else ("slots of the CPU", f"`slots={gpus}`, or fewer")
            raise TuningError(f"An instance wants {gpus} {what}, and there are {self.count}. Ask for {more}.")

    def take(self, gpus: int) -> Slot:
        """So many GPUs, or as many shares of the CPU where there is none; waits until they are free.

        An instance that wants none trains on the CPU.
        """
        if gpus and self._of_gpus is not None:
            self._of_gpus.acquire(gpus)
            with self._lock:
                taken, self._free = self._free[:gpus], self._free[gpus:]
            threads = _threads(gpus, len(self.gpus))
            return Slot(tuple(taken), 0, threads, _environment(",".join(taken), threads))
        shares = max(1, gpus)
        self._of_cpu.acquire(shares)
        threads = _threads(shares, self.shares)
        return Slot((), shares, threads, _environment("" if self.gpus else None, threads))

    def give(self, slot: Slot) -> None:
        """Give a slot back."""
        if slot.gpus:
            assert self._of_gpus is not None
            with self._lock:
                self._free += slot.gpus
            self._of_gpus.release(len(slot.gpus))
        if slot.shares:
            self._of_cpu.release(slot.shares)


def visible_gpus() -> list[str]:
    """The GPUs that this process may see, as `CUDA_VISIBLE_DEVICES` names them; none is touched."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()
    if named is None:
        return [str(number) for number in range(count)]
    return [name.strip() for name in named.split(",") if name.strip()][:count]


def default_shares() -> int:
    """One for each core, as far as there is memory for them."""
    import psutil

    return max(1, min(_cores(), psutil.virtual_memory().available // MEMORY))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _threads(part: int, whole: int) -> int:
    """The share of the cores; not more than `OMP_NUM_THREADS` says, if it does: threads that wait spin."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    share = max(1, _cores() * part // whole)
    return min(share, int(said)) if said.isdigit() and int(said) else share


def _environment(gpus: str | None, threads: int) -> dict[str, str]:
    told = {"OMP_NUM_THREADS": str(threads)}
    return told if gpus is None else {**told, "CUDA_VISIBLE_DEVICES": gpus}
