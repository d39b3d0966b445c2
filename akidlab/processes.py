"""Processes: when one began, by a clock that nobody sets, and whether it is still the same one."""

from __future__ import annotations

from pathlib import Path

NEAR = 2.0  # what two readings of one beginning may differ by


def began(pid: int) -> float | None:
    """When a process began, in a unit of its system; None if it is gone or only waits to be buried.

    On Linux these are ticks since the boot: a wall clock that is put right (after a suspended machine woke,
    say) does not make a living process look like another one.

    Example:
        >>> import os
        >>> began(os.getpid()) == began(os.getpid())
        True
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _began_elsewhere(pid)
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else float(fields[18])


def lives(pid: int, born: float | None) -> bool:
    """True if there is a process `pid` that began at `born`, or at any time if nobody knows.

    Example:
        >>> import os
        >>> lives(os.getpid(), began(os.getpid()))
        True
    """
    now = began(pid)
    return now is not None and (born is None or abs(now - born) < NEAR)


def _began_elsewhere(pid: int) -> float | None:
    """On systems without `/proc`."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None
