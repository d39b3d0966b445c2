"""Gauges: what is recorded of each rank, twice a second at most: the means of its steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from akidlab.dispatch.abreast import Block
from akidlab.messages import Message, Samples
from akidlab.messages.topics import RANKS

OFTEN = 0.5  # seconds between two samples,
MOST = 2000  # or, of a long run, so many of them in all


class Gauges:
    """Gathers blocks of steps, and records their means for each rank.

    `ranks/step_ms/1` is how long a step takes rank 1, of which `own_ms` is its own work and `wait_ms` the
    averaging, in which it waits for the others; `bytes` are averaged in a step, and `gradient_norm` is that
    of its own share, before it is averaged.

    Args:
        size: the number of ranks.
        record: takes a message.
    """

    def __init__(self, size: int, record: Callable[[Message], object]) -> None:
        self._size, self._record = size, record
        self._blocks: list[Block] = []
        self._looks: dict[int, tuple[float, float]] = {}
        self._began = self._told = time.monotonic()

    @property
    def is_due(self) -> bool:
        """True if it is time for a sample."""
        now = time.monotonic()
        return bool(self._blocks) and now - self._told >= max(OFTEN, (now - self._began) / MOST)

    def look(self, rank: int, looks: np.ndarray) -> None:
        """Take what a rank measured at some steps: the step, the bytes, the norm."""
        if len(looks):
            self._looks[rank] = float(looks[-1][1]), float(looks[-1][2])

    def take(self, block: Block) -> None:
        """Take steps of all ranks."""
        self._blocks.append(block)

    def tell(self) -> None:
        """Record what there is."""
        blocks, self._blocks, self._told = self._blocks, [], time.monotonic()
        if not blocks:
            return
        step, now = int(blocks[-1].steps[-1]), time.time()
        means = _means([block.plain for block in blocks])
        for rank in range(self._size):
            values: dict[str, float] = {name: float(row[rank]) for name, row in means.items()}
            if rank in self._looks:
                values["bytes"], values["gradient_norm"] = self._looks[rank]
            for name, value in values.items():
                data = Samples([step], [value], [now])
                self._record(Message(RANKS, data, step=step, key=f"{name}/{rank}"))


def _means(blocks: list[Block]) -> Mapping[str, Any]:
    own = np.concatenate([block.own for block in blocks], axis=1)
    if not own.shape[1]:
        return {}
    wait = np.concatenate([block.ended - block.began for block in blocks], axis=1)
    own, wait = 1000 * own.mean(axis=1), 1000 * wait.mean(axis=1)
    return {"step_ms": own + wait, "own_ms": own, "wait_ms": wait}
