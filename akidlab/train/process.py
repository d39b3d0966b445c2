"""Processes of a tuning as the tuner sees them: how they are started, spoken to, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import select
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from akidlab.train.work import Work

LOOK = 1.0  # seconds between looks whether a silent process lives


class Process:
    """One instance in a process of its own, which is the head of its group.

    Args:
        pid: its process id.
        inlet: where it listens.
        outlet: where it speaks.
        wait: waits for its end, and gives its exit code (minus the number of the signal that killed it).
        is_over: tells whether it has ended.
    """

    def __init__(
        self,
        pid: int,
        inlet: IO[bytes],
        outlet: IO[bytes],
        wait: Callable[[], int | None],
        is_over: Callable[[], bool],
    ) -> None:
        self.pid, self._inlet, self._outlet = pid, inlet, outlet
        self._wait, self._is_over = wait, is_over
        self._ended = False

    def attend(self, work: Work, answer: Callable[[dict[str, Any]], bool]) -> int | None:
        """Hand it its work, answer what it asks, and wait for its end.

        Args:
            work: what it is to do.
            answer: told what it says; whether it shall go on.

        Returns:
            Its exit code; None if nobody knows.
        """
        try:
            with contextlib.suppress(BrokenPipeError):  # it died: its code says so
                self._tell(pickle.dumps(work))
                while said := self._hear():
                    go = answer(json.loads(said))
                    self._tell(json.dumps({"go": go}).encode() + b"\n")
        finally:
            self.hang_up()
        return self.wait()

    def wait(self) -> int | None:
        """Wait for its end; gives its exit code, None if nobody knows."""
        code = self._wait()
        self._ended = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)  # what it started and left behind
        return code

    def hang_up(self) -> None:
        """Break the line; if it lives, it stops."""
        self._outlet.close()
        with contextlib.suppress(BrokenPipeError):  # something was still to be said
            self._inlet.close()

    def _hear(self) -> bytes:
        """What it says next; nothing when it has ended, though something that it started hold the line."""
        while not select.select([self._outlet], [], [], LOOK)[0]:
            if self._is_over():
                return b""
        return self._outlet.readline()

    def _tell(self, said: bytes) -> None:
        self._inlet.write(said)
        self._inlet.flush()

    def interrupt(self) -> None:
        """Ask it to stop after the step it is in."""
        self._signal(os.kill, signal.SIGINT)

    def kill(self) -> None:
        """End it at once, with whatever it started."""
        self._signal(os.killpg, signal.SIGKILL)

    def _signal(self, send: Callable[[int, int], None], number: int) -> None:
        if not self._ended:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                send(self.pid, number)


class Starter(ABC):
    """Starts processes; a context manager."""

    @abstractmethod
    def start(self, environment: Mapping[str, str], output: Path) -> Process:
        """Start one.

        Args:
            environment: variables that differ from ours.
            output: the file that gets what it writes.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of what is needed to start more."""

    def __enter__(self) -> Starter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Spawner(Starter):
    """Starts each as a fresh interpreter: slower, and everywhere."""

    def start(self, environment: Mapping[str, str], output: Path) -> Process:
        with output.open("ab") as file:
            process = subprocess.Popen(
                command("child"),
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                start_new_session=True,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout
        return Process(process.pid, stdin, stdout, process.wait, lambda: process.poll() is not None)

    def close(self) -> None:
        """Nothing is kept."""


def starter() -> Starter:
    """The quickest that works here."""
    if sys.platform == "linux":
        from akidlab.train.forks import Forks

        return Forks()
    return Spawner()


def command(module: str, argument: str = "") -> list[str]:
    """How Python runs `akidlab.train.<module>`, with all modules found where this process finds them."""
    code = f"import sys; sys.path[:] = {[entry or str(Path.cwd()) for entry in sys.path]!r}; "
    return [sys.executable, "-c", f"{code}from akidlab.train.{module} import main; main({argument})"]
