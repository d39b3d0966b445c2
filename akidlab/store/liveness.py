"""Who writes a run, and whether that process is still alive."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from akidlab.processes import began, lives

LIVE = ("preparing", "running", "paused")
SILENT_SECONDS = 60.0  # a writer elsewhere that says nothing for so long is taken for dead


@dataclass(frozen=True, slots=True)
class Writer:
    """The process that writes a run.

    Args:
        pid: its process id.
        pid_started: when it started, in a unit of its system; tells it from a later one of the same id.
        host: the name of its host, for people.
        machine: the host, its boot and its process namespace; process ids are compared only within one.
    """

    pid: int
    pid_started: float | None
    host: str
    machine: str

    @staticmethod
    def here() -> Writer:
        """This process."""
        return Writer(os.getpid(), began(os.getpid()), socket.gethostname(), this_machine())

    def is_alive(self, heartbeat: float) -> bool:
        """False if the process is known to be gone, or lives elsewhere and has long been silent.

        Args:
            heartbeat: when it last said that it lives, seconds since the epoch.
        """
        if self.machine != this_machine():
            return time.time() - heartbeat < SILENT_SECONDS
        return lives(self.pid, self.pid_started)


@cache
def this_machine() -> str:
    """What process ids on this machine are unique within."""
    return f"{socket.gethostname()}/{_read('/proc/sys/kernel/random/boot_id')[:13]}/{_namespace()}"


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
