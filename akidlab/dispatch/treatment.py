"""Treatment: a rank that hangs is told of, then interrupted, terminated and killed, in that order."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

from akidlab.dispatch.doctor import Hang

STAGE = 1.5  # seconds between two of them
STAGES = (
    (signal.SIGINT, "interrupted"),
    (signal.SIGTERM, "terminated"),
    (signal.SIGKILL, "killed"),
)


class Treatment:
    """What is done about one hang.

    Args:
        hang: what was found.
    """

    def __init__(self, hang: Hang) -> None:
        self._told = time.monotonic()
        self._stage = 0
        self.renew(hang)

    @property
    def has_begun(self) -> bool:
        """True once something was done: there is no way back."""
        return self._stage > 0

    @property
    def has_failed(self) -> bool:
        """True if it should be dead by now: a process may be stuck in the system, as with a disk."""
        return self._stage >= len(STAGES) and time.monotonic() >= self._due + STAGE

    def renew(self, hang: Hang) -> None:
        """The same hang, seen again: there may be more, or less, reason to be patient."""
        if not self.has_begun:
            self.hang = hang
            self._due = max(self._told + STAGE, hang.since + hang.patience)

    def proceed(self, pid: int, kill: Callable[[int, int], object] = os.kill) -> str | None:
        """Do what is due to the process; what was done, if anything.

        Args:
            pid: of the process.
            kill: sends it a signal, wherever it is.
        """
        if time.monotonic() < self._due or self._stage >= len(STAGES):
            return None
        number, done = STAGES[self._stage]
        self._stage, self._due = self._stage + 1, time.monotonic() + STAGE
        with contextlib.suppress(ProcessLookupError):
            kill(pid, number)
        return done
