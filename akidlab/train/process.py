"""Processes of a tuning as the tuner sees them: how they are started, spoken to, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from akidlab.train.work import Work

Wait = Callable[[], "int | None"]


class Process:
    """One instance in a process of its own, which is the head of its group.

    Args:
        pid: its process id.
        inlet: where it listens.
        outlet: where it speaks.
        wait: waits for its end, and gives its exit code (minus the number of the signal that killed it).
    """

    def __init__(self, pid: int, inlet: IO[bytes], outlet: IO[bytes], wait: Wait) -> None:
        self.pid, self._inlet, self._outlet, self._wait = pid, inlet, outlet, wait
        self._ended = False

    def attend(self, work: Work, answer: Callable[[dict[str, Any]], bool]) -> int | None:
        """Hand it its work, answer what it asks, and wait for its end.

        Args:
            work: what it is to do.
            answer: told what it says; whether it shall go on.

        Returns:
            Its exit code; None if nobody knows.
        """
        with self._inlet, self._outlet:
            with contextlib.suppress(BrokenPipeError):  # it died: its code says so
                pickle.dump(work, self._inlet)
                self._inlet.flush()
                for line in self._outlet:
                    go = answer(json.loads(line))
                    self._inlet.write(json.dumps({"go": go}).encode() + b"\n")
                    self._inlet.flush()
            code = self._wait()
        self._ended = True
        return code

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
        return Process(process.pid, process.stdin, process.stdout, process.wait)

    def close(self) -> None:
        """Nothing is kept."""


def starter() -> Starter:
    """The quickest that works here."""
    if sys.platform == "linux":
        from akidlab.train.forks import Forks

        return Forks()
    return Spawner()


def command(module: str, argument: str = "") -> list[str]:
    """How Python runs `akidlab.train.<module>`, found where this process finds it."""
    path = [entry for entry in sys.path if entry]
    code = f"import sys; sys.path.extend(p for p in {path!r} if p not in sys.path); "
    return [sys.executable, "-c", f"{code}from akidlab.train.{module} import main; main({argument})"]
