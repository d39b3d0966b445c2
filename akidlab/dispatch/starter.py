"""`python -m akidlab.dispatch.starter SIZE ARGUMENT...`: ranks of `python ARGUMENT...`, which end together.

What a rank writes comes out line by line, with its number before it. When one of them fails, this says how,
and ends the others.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import IO

GRACE = 1.0  # seconds for ranks to end after they were told to, and for the last lines of one that ended


class Starter:
    """Ranks on this machine, from their start to the end of the last one.

    They find each other through a file that has no name, which this process holds open for processes of the
    same user. Their sockets listen on loopback.

    Args:
        size: how many.
        arguments: what Python runs on each.
    """

    def __init__(self, size: int, arguments: list[str]) -> None:
        self.size, self.arguments = size, arguments
        self._ended: queue.SimpleQueue[int | None] = (
            queue.SimpleQueue()
        )  # the number of a rank; None: end now
        self._ranks: list[subprocess.Popen[bytes]] = []
        self._readers: list[list[threading.Thread]] = []
        self._writing = threading.Lock()

    def run(self) -> int:
        """Start them, wait for them, and return 0 if all of them ended well."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ended.put(None))
        with _meeting_place() as place:
            try:
                for rank in range(self.size):
                    self._start(rank, place)
                return 0 if all(self._ends_well() for _ in range(self.size)) else 1
            finally:
                self._end_all()

    def _start(self, rank: int, place: str) -> None:
        mine = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": self.size, "LOCAL_WORLD_SIZE": self.size}
        local = {"GLOO_SOCKET_IFNAME": _loopback(), "NCCL_SOCKET_IFNAME": _loopback()}
        process = subprocess.Popen(
            [sys.executable, *self.arguments],
            env={**local, **os.environ, **{key: str(value) for key, value in mine.items()}, PLACE: place},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._ranks.append(process)
        self._readers.append([])
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert pipe is not None
            reader = threading.Thread(target=self._pass_on, args=(rank, name, pipe), daemon=True)
            self._readers[rank].append(reader)
            reader.start()
        threading.Thread(target=self._wait, args=(rank,), daemon=True).start()

    def _wait(self, rank: int) -> None:
        self._ranks[rank].wait()
        self._ended.put(rank)

    def _ends_well(self) -> bool:
        """Wait for the next one to end; says how it ended if that was not well."""
        rank = self._ended.get()
        if rank is None:
            return False
        status = self._ranks[rank].returncode
        if status:
            _finish(self._readers[rank])
            self._write(f"Process {rank} exit with status code {status}.\n".encode())
        return status == 0

    def _pass_on(self, rank: int, stream: str, pipe: IO[bytes]) -> None:
        prefix = f"[{rank}]<{stream}>:".encode()
        with pipe:
            for line in pipe:
                self._write(prefix + line if line.endswith(b"\n") else prefix + line + b"\n")

    def _write(self, line: bytes) -> None:
        with self._writing, contextlib.suppress(BrokenPipeError):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

    def _end_all(self) -> None:
        for process in self._ranks:
            process.terminate()
        for process in self._ranks:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
            process.kill()  # also one that is stopped
            process.wait()
        _finish([reader for readers in self._readers for reader in readers])


PLACE = "AKIDLAB_RENDEZVOUS"  # where the ranks find each other: the path of a file


@contextlib.contextmanager
def _meeting_place() -> Iterator[str]:
    """The path by which ranks open a file that is theirs alone."""
    if sys.platform == "linux":
        file = os.memfd_create("akidlab")  # gone with this process, however that ends
        try:
            yield f"/proc/{os.getpid()}/fd/{file}"  # not `self`: a rank may have been forked by another
        finally:
            os.close(file)
    else:
        with tempfile.TemporaryDirectory(prefix="akidlab-") as folder:  # of private mode
            yield f"{folder}/ranks"


def _finish(readers: list[threading.Thread]) -> None:
    """Wait for the last lines; a process that a rank left behind may hold its pipe open."""
    end = time.monotonic() + GRACE
    for reader in readers:
        reader.join(max(0.0, end - time.monotonic()))


def _loopback() -> str:
    return next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")


def main(arguments: list[str]) -> int:
    """Start ranks, and wait for them."""
    return Starter(int(arguments[0]), arguments[1:]).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
