"""Owners: the kernels that use a pool, and whether one of them still lives."""

from __future__ import annotations

import time

from akidlab.processes import lives

OWNERLESS = 5.0  # seconds without a living owner until an idle pool leaves: a kernel may be restarting
OPENING = 30.0  # seconds for the first owner to come
LOOK = 0.5  # seconds between looks at their processes


class Owners:
    """The processes that a pool belongs to."""

    def __init__(self) -> None:
        self._born: dict[int, float] = {}
        self._seen = time.monotonic()
        self._due = 0.0
        self._patience = OPENING

    @property
    def pids(self) -> list[int]:
        """Those that lived when they were last looked at."""
        return sorted(self._born)

    def add(self, pid: int, born: float) -> None:
        """A process uses the pool from now on; `born` tells it from another of the same number."""
        self._born[pid] = born
        self._patience = OWNERLESS

    def are_gone(self) -> bool:
        """True if there has been none for so long that none will come."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + LOOK
            self._born = {pid: born for pid, born in self._born.items() if lives(pid, born)}
            self._seen = now if self._born else self._seen
        return now - self._seen > self._patience

    @property
    def gone_for(self) -> float:
        """Seconds since the last of them was seen to live; 0 while one does."""
        return 0.0 if self._born else time.monotonic() - self._seen
