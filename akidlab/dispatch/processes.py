"""The processes of one launch: started together, heard together, and gone together."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from akidlab.dispatch.launcher import Launcher, Line

log = logging.getLogger(__name__)

REMEMBERED = 200  # lines
TIDYING = 1.0  # seconds for what the launcher's own processes left in shared memory to be taken away


class Processes:
    """Runs a launcher's command in a session of its own, and ends everything that came of it.

    Args:
        launcher: what starts the ranks.
        size: how many.
        worker: what Python runs on each.
        secrets: a private file for the environment, which must not be seen on command lines.
        environment: more variables, for that file.
        on_line: told each line that a rank or the launcher wrote, in a thread of its own.
    """

    def __init__(
        self,
        launcher: Launcher,
        size: int,
        worker: list[str],
        *,
        secrets: Path,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[Line], None],
    ) -> None:
        self.launcher = launcher
        self.started = time.monotonic()
        self.said: deque[Line] = deque(maxlen=REMEMBERED)
        self._on_line = on_line
        self._tree: dict[int, psutil.Process] = {}  # may grow at any time: it is copied to be looked through
        self._ending: threading.Thread | None = None
        _write_private(secrets, json.dumps({**os.environ, **(environment or {})}))
        self._process = subprocess.Popen(
            launcher.command(size, worker),
            env=launcher.environment(size, os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="akidlab-ranks-output", daemon=True)
        self._reader.start()

    @property
    def is_running(self) -> bool:
        """False when the launcher has ended (and, unless it was killed, all its ranks with it)."""
        return self._process.poll() is None

    @property
    def is_gone(self) -> bool:
        """True when nothing of it is left."""
        ended = self._ending is None or not self._ending.is_alive()
        return not self.is_running and ended and not self._is_inhabited

    @property
    def is_ending(self) -> bool:
        """True from the moment on at which its end was asked for."""
        return self._ending is not None

    def know(self, pid: int) -> None:
        """Remember a rank that said hello, so that it cannot stay behind."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._tree[pid] = psutil.Process(pid)

    def end(self, grace: float) -> None:
        """Begin to end everything; whatever is left after `grace` seconds is killed. Does not wait."""
        if self._ending is None:
            self._look()
            self._ending = threading.Thread(
                target=self._end, args=(grace,), name="akidlab-ranks-end", daemon=True
            )
            self._ending.start()

    def wait(self, timeout: float) -> bool:
        """Wait for everything to be gone; False if something is left after `timeout` seconds."""
        end = time.monotonic() + timeout
        while not self.is_gone and time.monotonic() < end:
            time.sleep(0.02)
        return self.is_gone

    def tail(self, rank: int | None = None, count: int = 15) -> str:
        """The last lines that were written, by one rank or by all."""
        said = [line for line in list(self.said) if rank is None or line.rank == rank]
        return "".join(
            f"  [{'launcher' if line.rank is None else line.rank}] {line.text}" for line in said[-count:]
        ).rstrip("\n")

    def _look(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._process.pid)
            for process in [root, *root.children(recursive=True)]:
                self._tree[process.pid] = process

    def _end(self, grace: float) -> None:
        self._wait_for_tree(grace)
        self._look()
        self._kill([process for process in list(self._tree.values()) if not _tidies(process)])
        self._process.wait()
        self._wait_for_tree(TIDYING)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._kill(list(self._tree.values()))  # with those that said hello in the meantime
        self._wait_for_tree(5.0)

    def _kill(self, processes: list[psutil.Process]) -> None:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def _wait_for_tree(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        while time.monotonic() < end and (self.is_running or self._is_inhabited):
            time.sleep(0.02)

    @property
    def _is_inhabited(self) -> bool:
        return any(map(_lives, list(self._tree.values())))

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            for data in pipe:
                line = self.launcher.read(data.decode(errors="replace"))
                self.said.append(line)
                try:
                    self._on_line(line)
                except Exception:  # a full disk, say; a pipe that nobody reads would stop the ranks
                    log.exception("a line of the ranks was lost")


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _tidies(process: psutil.Process) -> bool:
    """Whether it is the process that takes away what others leave in shared memory, and then ends."""
    with contextlib.suppress(psutil.Error):
        return any("multiprocessing.resource_tracker" in word for word in process.cmdline())
    return False


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
