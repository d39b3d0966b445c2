"""`python -m akidlab.dispatch.starter SIZE ARGUMENT...`: ranks of `python ARGUMENT...`, which end together.

What a rank writes comes out line by line, with its number before it. When one of them fails, this says how,
and ends the others. `SIZE --hosts HOSTS` places them on several hosts: a starter on each has its share.
"""

from __future__ import annotations

import contextlib
import json
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
from pathlib import Path
from typing import IO

from akidlab.dispatch import meeting
from akidlab.dispatch.hosts import Hosts

GRACE = 1.0  # seconds for ranks to end after they were told to, and for the last lines of one that ended


class Starter:
    """Ranks on this machine, from their start to the end of the last one.

    They find each other through a file that has no name, which this process holds open for processes of the
    same user. Their sockets listen on loopback.

    Args:
        size: how many.
        arguments: what Python runs on each.
        share: which of them are on this host; all by default.
        meeting: where the ranks of several hosts find each other, see `akidlab.dispatch.meeting`.
    """

    def __init__(
        self, size: int, arguments: list[str], share: range | None = None, meeting: str | None = None
    ) -> None:
        self.size, self.arguments, self.meeting = size, arguments, meeting
        self.share = range(size) if share is None else share
        self._ended: queue.SimpleQueue[int | None] = (
            queue.SimpleQueue()
        )  # the number of a rank; None: end now
        self._ranks: dict[int, subprocess.Popen[bytes]] = {}
        self._readers: dict[int, list[threading.Thread]] = {}
        self._writing = threading.Lock()

    def run(self) -> int:
        """Start them, wait for them, and return 0 if all of them ended well."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ended.put(None))
        with _meeting_place(self.meeting) as place:
            try:
                for rank in self.share:
                    self._start(rank, place)
                return 0 if all(self._ends_well() for _ in self.share) else 1
            finally:
                self._end_all()

    def end(self) -> None:
        """Have it end; from any thread."""
        self._ended.put(None)

    def _start(self, rank: int, place: str) -> None:
        mine = {"RANK": rank, "LOCAL_RANK": rank - self.share.start}
        mine |= {"WORLD_SIZE": self.size, "LOCAL_WORLD_SIZE": len(self.share)}
        numbers = {key: str(value) for key, value in mine.items()}
        interface = _loopback() if self.meeting is None else meeting.interface(self.meeting)
        local = {"GLOO_SOCKET_IFNAME": interface, "NCCL_SOCKET_IFNAME": interface}
        found = PLACE if self.meeting is None else meeting.PLACE
        process = subprocess.Popen(
            [sys.executable, *self.arguments],
            env={**local, **os.environ, **numbers, found: place},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._ranks[rank], self._readers[rank] = process, []
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
        for process in self._ranks.values():
            process.terminate()
        for process in self._ranks.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
            process.kill()  # also one that is stopped
            process.wait()
        _finish([reader for readers in self._readers.values() for reader in readers])


PLACE = "AKIDLAB_RENDEZVOUS"  # where the ranks find each other: the path of a file


@contextlib.contextmanager
def _meeting_place(text: str | None = None) -> Iterator[str]:
    """The path by which ranks open a file that is theirs alone; `text` is in it."""
    if sys.platform == "linux":
        file = os.memfd_create("akidlab")  # gone with this process, however that ends
        os.write(file, (text or "").encode())
        try:
            yield f"/proc/{os.getpid()}/fd/{file}"  # not `self`: a rank may have been forked by another
        finally:
            os.close(file)
    else:
        with tempfile.TemporaryDirectory(prefix="akidlab-") as folder:  # of private mode
            if text is not None:
                Path(folder, "ranks").write_text(text)
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
    size, option, *rest = int(arguments[0]), *arguments[1:]
    if option == "--hosts":
        from akidlab.dispatch.shares import Shares

        return Shares(Hosts(**json.loads(rest[0])), size, rest[1:]).run()
    if option == "--share":
        first, count = map(int, rest[0].split("+"))
        starter = Starter(size, rest[1:], range(first, first + count), sys.stdin.readline())
        threading.Thread(target=lambda: (sys.stdin.read(), starter.end()), daemon=True).start()
        return starter.run()
    return Starter(size, arguments[1:]).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
