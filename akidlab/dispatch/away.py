"""Away: the ranks of one launch that are on other hosts: what they are told in private, and how they do."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from akidlab.dispatch import letter
from akidlab.dispatch.hosts import Hosts
from akidlab.dispatch.launcher import needed
from akidlab.dispatch.outpost import write_private
from akidlab.dispatch.outposts import Outposts
from akidlab.wire import Connection

PULSE = 1.0  # seconds between two signs of life to ranks on other hosts


class Away:
    """Has an outpost on each other host, and letters for all ranks.

    Args:
        hosts: where the ranks are.
        connection: the file with which they call back.
        environment: variables for the ranks on this host.
    """

    def __init__(self, hosts: Hosts, connection: Path, environment: Mapping[str, str]) -> None:
        remote = hosts.remote
        self.ranks = {n: host for n, host in enumerate(hosts.place(hosts.total)) if host in remote}
        self.prefix = letter.place()
        self._due = 0.0
        dialled = Connection.read(connection)
        self._letters: list[Path] = []
        theirs: dict[str, dict[str, str]] = {host: {} for host in remote}
        for rank, host in enumerate(hosts.place(hosts.total)):
            path, afar = f"{self.prefix}.{rank}", rank in self.ranks
            variables = os.environ if afar else environment
            text = letter.write(dialled, variables, afar=afar, interface=hosts.interface)
            if afar:
                theirs[host][path] = text
            else:
                self._letters.append(write_private(Path(path), text))
        self._outposts = Outposts(hosts, remote, needed(os.environ), os.getcwd())
        self._outposts.deliver(theirs)

    @property
    def is_ready(self) -> bool:
        """True when every rank can read its letter."""
        return self._outposts.are_ready

    @property
    def lost(self) -> dict[str, str]:
        """The hosts that do not answer, with the reason."""
        return self._outposts.lost

    def vital(self, rank: int, pid: int) -> str:
        """What the process of a rank does: `works`, `waits`, `stopped`, or `gone`."""
        return self._outposts.vital(self.ranks[rank], pid)

    def kill(self, rank: int, pid: int, number: int) -> None:
        """Send a signal to the process of a rank."""
        self._outposts.kill(self.ranks[rank], pid, number)

    def is_due(self) -> bool:
        """True once a second: ranks on other hosts are to hear that we live."""
        now = time.monotonic()
        if now < self._due:
            return False
        self._due = now + PULSE
        return True

    def stop(self) -> None:
        """Hang up, and take away what was not read; what the outposts saw of ranks ends."""
        self._outposts.stop()
        for path in self._letters:
            path.unlink(missing_ok=True)

    def wait_gone(self, timeout: float) -> None:
        """Wait for the outposts to leave."""
        self._outposts.wait_gone(timeout)
