"""Shares: the starters of several hosts, which have some of the ranks each and end together."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from typing import IO

from akidlab.dispatch.hosts import Hosts, is_here, own_address
from akidlab.dispatch.launcher import needed
from akidlab.dispatch.meeting import Meeting

GRACE = 4.0  # seconds for a share to end its ranks, when its line ends
LOST = 255  # how ssh ends when its line breaks


class Shares:
    """A starter on each host, over ssh where it is another one, and the meeting of all ranks.

    Args:
        hosts: where the ranks are.
        size: how many there are.
        arguments: what Python runs on each.
    """

    def __init__(self, hosts: Hosts, size: int, arguments: list[str]) -> None:
        self.hosts, self.size, self.arguments = hosts.first(size), size, arguments
        self._ended: queue.SimpleQueue[str | None] = queue.SimpleQueue()  # a host; None: end now
        self._starters: dict[str, subprocess.Popen[bytes]] = {}
        self._firsts: dict[str, int] = {}
        self._told: set[str] = set()  # hosts that said how a rank ended
        self._readers: list[threading.Thread] = []
        self._writing = threading.Lock()

    def run(self) -> int:
        """Start them, wait for them, and return 0 if all of them ended well."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ended.put(None))
        remote = self.hosts.remote
        address = own_address(remote[0], self.hosts.interface) if remote else "127.0.0.1"
        with Meeting(address, self.hosts.interface) as meeting:
            try:
                first = 0
                for host, count in self.hosts.slots.items():
                    self._start(host, first, count, meeting.ticket)
                    first += count
                return 0 if all(self._ends_well() for _ in self.hosts.slots) else 1
            finally:
                self._end_all()

    def _start(self, host: str, first: int, count: int, ticket: str) -> None:
        words = [sys.executable, "-m", "akidlab.dispatch.starter", str(self.size)]
        words += ["--share", f"{first}+{count}", *self.arguments]
        away = not is_here(host)
        starter = subprocess.Popen(
            self.hosts.command(host, words, needed(os.environ), os.getcwd()) if away else words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # an interrupt is for us, who end them
        )
        self._starters[host], self._firsts[host] = starter, first
        assert starter.stdin is not None
        assert starter.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            starter.stdin.write(ticket.encode() + b"\n")
            starter.stdin.flush()
        reader = threading.Thread(target=self._pass_on, args=(host, starter.stdout), daemon=True)
        self._readers.append(reader)
        reader.start()
        threading.Thread(target=self._wait, args=(host,), daemon=True).start()

    def _wait(self, host: str) -> None:
        self._starters[host].wait()
        self._ended.put(host)

    def _ends_well(self) -> bool:
        host = self._ended.get()
        if host is None:
            return False
        status = self._starters[host].returncode
        if status:
            for reader in self._readers:
                reader.join(0.2)
            if host not in self._told:
                self._write(f"Process {self._firsts[host]} exit with status code {LOST}.\n".encode())
        return status == 0

    def _pass_on(self, host: str, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                if line.startswith(b"Process "):
                    self._told.add(host)
                self._write(line if line.endswith(b"\n") else line + b"\n")

    def _write(self, line: bytes) -> None:
        with self._writing, contextlib.suppress(BrokenPipeError):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

    def _end_all(self) -> None:
        for starter in self._starters.values():
            assert starter.stdin is not None
            with contextlib.suppress(OSError):
                starter.stdin.close()  # which tells it to end
        for starter in self._starters.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                starter.wait(GRACE)
            starter.kill()
            starter.wait()
        for reader in self._readers:
            reader.join(0.5)
