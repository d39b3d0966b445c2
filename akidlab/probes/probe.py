"""A Probe: what takes long to compute is computed on a snapshot, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akidlab.errors import ProbeError, ProbeTimeoutError
from akidlab.messages import Bus, Log, Message, Samples
from akidlab.probes.measures import TOPICS

if TYPE_CHECKING:
    from akidlab.probes.measures import Found


class Probe:
    """A measurement under way; training goes on meanwhile.

    It is done with one thread, at low priority, and ends with the process that asked for it.

    Args:
        kind: what is measured.
        work: what its process is handed.
        threads: how many threads it may use.
        bus: where to publish what came of it, under the step of the snapshot.
        step: the step of the snapshot.
        epoch: whole epochs behind it.
    """

    def __init__(
        self,
        kind: str,
        work: bytes,
        *,
        threads: int = 1,
        bus: Bus | None = None,
        step: int = 0,
        epoch: int = 0,
    ) -> None:
        self.kind, self.step, self.epoch = kind, step, epoch
        self.cancelled = False
        self._bus, self._work = bus, work
        self._found: Found | None = None
        self._error: ProbeError | None = None
        self._is_done, self._began, self._took = threading.Event(), time.perf_counter(), 0.0
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it is done
        self._process = _start(self._words.fileno(), threads)
        self._end = weakref.finalize(self, _kill, self._process)  # at exit, too
        threading.Thread(target=self._follow, name=f"akidlab-probe-{kind}", daemon=True).start()

    @property
    def done(self) -> bool:
        """True once there is a result, or there will be none."""
        return self._is_done.is_set()

    @property
    def seconds(self) -> float:
        """How long it takes, or took."""
        return self._took if self.done else time.perf_counter() - self._began

    def result(self, timeout: float | None = None) -> Found:
        """What came of it; waits until it is done.

        Args:
            timeout: seconds to wait; None for as long as it takes.

        Raises:
            ProbeTimeoutError: if it is not done by then; it goes on, and one may ask again.
            ProbeError: if it failed or was cancelled.
        """
        if not self._is_done.wait(timeout):
            raise ProbeTimeoutError(
                f"The probe `{self.kind}` is not done after {self.seconds:.1f} s. Ask again, or `cancel` it."
            )
        if self._error is not None:
            raise self._error
        assert self._found is not None
        return self._found

    def cancel(self) -> None:
        """Give it up: its process ends at once. What is done stays done."""
        if not self.done:
            self.cancelled = True
            _kill(self._process)
            self._is_done.wait(10.0)

    def _follow(self) -> None:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with suppress(BrokenPipeError, OSError):  # it died, as its silence will tell
                process.stdin.write(self._work)
                process.stdin.flush()
            self._work = b""
            said = process.stdout.readline()
            with suppress(BrokenPipeError, OSError):
                process.stdin.close()
            process.stdout.close()
            process.wait()
            self._understand(said)
        finally:
            self._end.detach()
            _kill(process)  # what it may have started
            self._words.close()
            self._took = time.perf_counter() - self._began
            try:
                self._publish()  # first: who has the result finds it recorded
            finally:
                self._is_done.set()

    def _understand(self, said: bytes) -> None:
        if self.cancelled:
            self._error = ProbeError(f"The probe `{self.kind}` was cancelled.")
            return
        told: dict[str, Any] = (
            json.loads(said) if said.endswith(b"\n") else {"error": self._last_words(), "traceback": ""}
        )
        if "error" in told:
            text = f"The probe `{self.kind}` failed: {told['error']}"
            self._error = ProbeError(f"{text}\n{told['traceback']}".rstrip())
        else:
            self._found = told["result"]

    def _last_words(self) -> str:
        self._words.seek(0)
        words = self._words.read()[-2000:].decode(errors="replace").strip()
        return f"its process ended with code {self._process.returncode}.\n{words}"

    def _publish(self) -> None:
        if self._bus is None or self.cancelled:
            return
        if self._error is not None:
            self._bus.publish(Message("log", Log(str(self._error).split("\n")[0], "warning"), self.step))
        elif (topic := TOPICS.get(self.kind, self.kind)) and self._found is not None:
            for key, value in _numbers(self._found).items():
                data = Samples([self.step], [value], [time.time()])
                self._bus.publish(Message(topic, data, self.step, self.epoch, key=key))

    def __repr__(self) -> str:
        state = (
            "cancelled" if self.cancelled else "failed" if self._error else "done" if self.done else "running"
        )
        return f"Probe({self.kind!r}, of step {self.step}, {state}, {self.seconds:.1f} s)"


def _numbers(found: Found) -> dict[str, float]:
    if isinstance(found, list):
        return {str(number): value for number, value in enumerate(found, start=1)}
    return {key: value for key, value in found.items() if not isinstance(value, dict)}


def _start(words: int, threads: int) -> subprocess.Popen[bytes]:
    path = [entry or str(Path.cwd()) for entry in sys.path]
    code = f"import sys; sys.path[:] = {path!r}; from akidlab.probes.child import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=words,
        start_new_session=True,
    )


def _kill(process: subprocess.Popen[Any]) -> None:
    """End it with all that it started; it is the head of its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
