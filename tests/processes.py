"""The processes that a test has started: which there are, and which still live."""

from __future__ import annotations

import psutil


def offspring(said: str) -> list[psutil.Process]:
    """What came of this process and has `said` in its command line."""
    return [child for child in psutil.Process().children(recursive=True) if said in _command(child)]


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those of them that still live; a zombie only waits to be counted."""
    return [process for process in processes if _status(process) not in (None, psutil.STATUS_ZOMBIE)]


def lives(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        return bool(living([psutil.Process(pid)]))
    except psutil.NoSuchProcess:
        return False


def _status(process: psutil.Process) -> str | None:
    try:
        return process.status() if process.is_running() else None
    except psutil.NoSuchProcess:
        return None


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # a zombie among them
        return ""
