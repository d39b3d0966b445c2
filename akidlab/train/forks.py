"""Forks: processes that a nursery forks, each alive within milliseconds."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from akidlab.errors import TuningError
from akidlab.train.nursery import LARGEST
from akidlab.train.process import Process, Starter, command

# A thread would not survive a fork; and who looks for GPUs shall ask the driver, which leaves no trace.
ALONE = {"OMP_NUM_THREADS": "1", "PYTORCH_NVML_BASED_CUDA_CHECK": "1"}


class Forks(Starter):
    """Starts processes through a nursery, which is started when it is first needed."""

    def __init__(self) -> None:
        self._count = 0
        self._nursery: subprocess.Popen[bytes] | None = None
        self._said: dict[tuple[int, str], int] = {}
        self._is_gone = False
        self._news = threading.Condition()

    def start(self, environment: Mapping[str, str], output: Path) -> Process:
        if self._nursery is None:
            self._open()
        self._count += 1
        number = self._count
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        with output.open("ab") as file:
            request = json.dumps({"number": number, "environment": dict(environment)}).encode()
            try:
                with suppress(OSError):  # closed: it is gone, as `_await` will find
                    socket.send_fds(self._line, [request], [theirs_in, theirs_out, file.fileno()])
            finally:
                os.close(theirs_in)
                os.close(theirs_out)
        inlet, outlet = os.fdopen(ours_in, "wb"), os.fdopen(ours_out, "rb")
        try:
            pid = self._await(number, "pid")
            if pid is None:
                raise TuningError(f"The process that starts the instances ended.\n{self._last_words()}")
        except BaseException:  # an interrupt, too: if it is born yet, it finds the line broken
            inlet.close()
            outlet.close()
            raise
        wait, is_over = partial(self._await, number, "code"), partial(self._is_over, number)
        return Process(pid, inlet, outlet, wait, is_over)

    def close(self) -> None:
        if self._nursery is not None:
            self._line.shutdown(socket.SHUT_RDWR)
            self._reader.join()
            self._line.close()
            try:
                self._nursery.wait(5.0)
            except subprocess.TimeoutExpired:
                self._nursery.kill()
                self._nursery.wait()
            self._errors.close()
            self._nursery = None

    def _open(self) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._nursery = subprocess.Popen(
                command("nursery", str(theirs.fileno())),
                env={**os.environ, **ALONE},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._errors,
                stderr=self._errors,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, name="akidlab-forks", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                said = self._line.recv(LARGEST)
            except OSError:
                said = b""
            with self._news:
                if said:
                    told = json.loads(said)
                    number = told.pop("number")
                    self._said |= {(number, what): value for what, value in told.items()}
                self._is_gone = not said
                self._news.notify_all()
            if not said:
                return

    def _await(self, number: int, what: str) -> int | None:
        with self._news:
            self._news.wait_for(lambda: (number, what) in self._said or self._is_gone)
            return self._said.pop((number, what), None)

    def _is_over(self, number: int) -> bool:
        with self._news:
            return (number, "code") in self._said or self._is_gone

    def _last_words(self) -> str:
        self._errors.seek(0)
        return self._errors.read()[-2000:].decode(errors="replace").strip()
