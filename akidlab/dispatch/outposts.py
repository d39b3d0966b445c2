"""Outposts: the other hosts of a launch, from the supervisor's side: what it sees and does there."""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import IO, Any

from akidlab.dispatch.hosts import Hosts

log = logging.getLogger(__name__)

LOOK = 1.0  # seconds between two looks at the processes of a host
SILENT = 9.0  # seconds without an answer until a host is gone; ssh says so a little earlier
COMING = 60.0  # seconds for the first answer: a slow host imports for long


class Outposts:
    """One line to each of some hosts.

    Args:
        hosts: how they are reached.
        names: which of them.
        variables: what Python needs there.
        folder: where it works.
    """

    def __init__(self, hosts: Hosts, names: list[str], variables: Mapping[str, str], folder: str) -> None:
        words = [sys.executable, "-m", "akidlab.dispatch.outpost"]
        self._lines = {
            name: _Line(name, hosts.command(name, words, variables, folder)) for name in dict.fromkeys(names)
        }

    def deliver(self, letters: Mapping[str, Mapping[str, str]]) -> None:
        """Hand over the letters for each host: the path and the text of private files."""
        for name, line in self._lines.items():
            line.tell({"letters": dict(letters.get(name, {}))})
            line.start()

    @property
    def are_ready(self) -> bool:
        """True when every letter was delivered."""
        return all(line.delivered for line in self._lines.values())

    @property
    def lost(self) -> dict[str, str]:
        """The hosts that do not answer, with the reason."""
        return {name: line.why for name, line in self._lines.items() if line.is_lost}

    def vital(self, host: str, pid: int) -> str:
        """What a process does: `works`, `waits`, `stopped` or `gone`; of one not seen yet, that it works."""
        return self._lines[host].look(pid)

    def kill(self, host: str, pid: int, number: int) -> None:
        """Send a signal to a process."""
        self._lines[host].tell({"kill": [pid, number]})

    def stop(self) -> None:
        """Hang up: the outposts leave, and the ranks they saw with them. Does not wait."""
        for line in self._lines.values():
            line.stop()

    def wait_gone(self, timeout: float) -> None:
        """After `stop`: wait for them."""
        end = time.monotonic() + timeout
        for line in self._lines.values():
            line.wait_gone(max(0.0, end - time.monotonic()))


class _Line:
    """The ssh to one host, and the thread that talks over it."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name, self.command = name, command
        self.delivered = False
        self.why = "it did not answer"
        self._orders: deque[dict[str, Any]] = deque()
        self._pids: set[int] = set()
        self._vitals: dict[str, str] = {}
        self._bell, self._over = threading.Event(), False
        self._heard, self._patience = time.monotonic(), COMING
        self._process: subprocess.Popen[str] | None = None
        self._said: deque[str] = deque(maxlen=20)

    def start(self) -> None:
        self._heard = time.monotonic()
        try:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            self.why, self._heard = f"ssh cannot be started: {error}", -float("inf")
            return
        for work in (self._talk, self._listen, self._overhear):
            threading.Thread(target=work, name=f"akidlab-outpost-{self.name}", daemon=True).start()

    @property
    def is_lost(self) -> bool:
        ended = self._process is not None and self._process.poll() is not None
        silent = time.monotonic() - self._heard > self._patience
        return not self._over and (ended or silent)

    def tell(self, order: dict[str, Any]) -> None:
        self._orders.append(order)
        self._bell.set()

    def look(self, pid: int) -> str:
        self._pids.add(pid)
        return self._vitals.get(str(pid), "works")

    def stop(self) -> None:
        self._over = True
        self._bell.set()
        process = self._process
        if process is not None:
            threading.Thread(target=_end, args=(process,), daemon=True).start()

    def wait_gone(self, timeout: float) -> None:
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)

    def _talk(self) -> None:
        pipe = self._pipe("stdin")
        with contextlib.suppress(OSError, ValueError), pipe:
            while not self._over:
                orders = [self._orders.popleft() for _ in range(len(self._orders))]
                for order in [*orders, {"look": sorted(self._pids)}]:
                    pipe.write(json.dumps(order) + "\n")
                pipe.flush()
                self._bell.wait(LOOK)
                self._bell.clear()

    def _listen(self) -> None:
        pipe = self._pipe("stdout")
        for line in pipe:
            try:
                said = json.loads(line)
            except ValueError:  # what a shell says as it starts
                continue
            self._heard, self._patience = time.monotonic(), SILENT
            if "error" in said:
                log.warning("the outpost on %s: %s", self.name, said["error"])
                self.why = said["error"]
            self.delivered = self.delivered or "delivered" in said
            self._vitals.update(said.get("vitals", {}))

    def _pipe(self, name: str) -> IO[str]:
        pipe = getattr(self._process, name)
        assert pipe is not None
        return pipe

    def _overhear(self) -> None:
        pipe = self._pipe("stderr")
        for line in pipe:
            self._said.append(line.strip())
            log.info("ssh %s: %s", self.name, line.rstrip())
            if line.strip():
                self.why = line.strip()


def _end(process: subprocess.Popen[str]) -> None:
    """Let it leave by itself: the end of its line tells it to; then do without."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(3.0)
    process.kill()
    process.wait()
