"""Process: one worker, as its sensor sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from akidlab.sensors.frames import Frames

if TYPE_CHECKING:
    from akidlab.sensors.span import Span

_TAIL = 40  # lines of what a worker has written that are worth telling
_LONG = 5.0  # seconds for a worker to end by itself, or to say where it is
_QUIET = 0.2  # seconds without another word until it has said all


class Process:
    """One worker, as its sensor sees it.

    Args:
        number: which it is, from 0 on.
        of: how many there are.
        fds: files that it shares.
    """

    def __init__(self, number: int, of: int, fds: Sequence[int]) -> None:
        self.number, self.of = number, of
        self.frames = Frames()
        self.under_way: dict[int, Span] = {}
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "akidlab.sensors.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            pass_fds=fds,
            start_new_session=True,  # an interrupt is for the one who trains
            bufsize=0,
        )

    def tell(self, content: bytes) -> None:
        """Send it a frame; one that is gone is noticed where its answers are awaited."""
        assert self.popen.stdin is not None
        view = memoryview(content)
        try:
            while view:
                view = view[self.popen.stdin.write(view) :]
        except BrokenPipeError:
            pass

    def let_go(self) -> None:
        """Tell it that nobody needs it any more."""
        assert self.popen.stdin is not None
        self.popen.stdin.close()

    def wait(self) -> None:
        """Wait until it is gone, and see to that if need be."""
        try:
            self.popen.wait(_LONG)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        assert self.popen.stdout is not None
        self.popen.stdout.close()
        self.log.close()

    def fate(self) -> str:
        """How it ended."""
        code = self.popen.wait()
        if code >= 0:
            return f"exit code {code}"
        name = signal.Signals(-code).name
        hint = ", perhaps because the memory was full" if name == "SIGKILL" else ""
        return f"killed by {name}{hint}"

    def where(self) -> str:
        """Where it is now, in its own words."""
        before = heard = self._written()
        self.popen.send_signal(signal.SIGUSR1)
        end = time.monotonic() + _LONG
        while time.monotonic() < end and self.popen.poll() is None:
            time.sleep(_QUIET)
            last, heard = heard, self._written()
            if last == heard > before:
                break
        return self.words()

    def words(self) -> str:
        """The last that it has written, if anything."""
        # the place in the file is shared with the worker: leave it alone
        written = os.pread(self.log.fileno(), self._written(), 0)
        lines = written.decode(errors="replace").splitlines()[-_TAIL:]
        return "\nIt left to tell:\n" + "\n".join(lines) if lines else ""

    def _written(self) -> int:
        return os.fstat(self.log.fileno()).st_size

    def __str__(self) -> str:
        return f"Worker {self.number} of {self.of}"
