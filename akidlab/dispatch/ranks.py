"""Ranks: those of a pool, from the launch through their hello to their end, and again after a fault."""

from __future__ import annotations

import logging
import os
import re
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from akidlab.dispatch.away import Away
from akidlab.dispatch.cradle import Cradle
from akidlab.dispatch.elastic import Roster
from akidlab.dispatch.hosts import Hosts
from akidlab.dispatch.launcher import Launcher, Line
from akidlab.dispatch.processes import Processes
from akidlab.dispatch.vitals import Vitals
from akidlab.errors import DispatchError
from akidlab.wire import Peer

log = logging.getLogger(__name__)

Body = dict[str, Any]
SETTLE = 4.0  # seconds for ranks to show, after an error, that they still understand each other
LAUNCHES = 3  # in a row, without a task that began
_EXIT = re.compile(r"Process (\d+) exit with status code (-?\d+)")


@dataclass
class Rank:
    """One rank that said hello, and what it said last."""

    peer: Peer
    pid: int
    host: str
    heard: float = field(default_factory=time.monotonic)
    step: int = 0


@dataclass(frozen=True)
class Loss:
    """A rank that is gone.

    Args:
        rank: which.
        text: what is known of its end.
        status: how it ended: an exit status, above 128 or below 0 for a signal; None if nobody knows.
    """

    rank: int
    text: str
    status: int | None = None

    @property
    def came_from_outside(self) -> bool:
        """False if it ended of its own accord, as it would again."""
        return self.status is None or self.status > 128 or self.status < 0


class Ranks:
    """The ranks of a pool: launched, greeted, told what to do, settled or replaced after a fault.

    Args:
        launcher: how they are started.
        name: what the launcher's plug-in is called.
        roster: where they may be, and how many there may be.
        connection: the file with which they call back.
        secrets: the private file for their environment.
        patience: seconds until all must have said hello.
        on_line: told each line that came through the launcher's pipe.
    """

    def __init__(
        self,
        launcher: Launcher,
        name: str,
        roster: Roster,
        *,
        connection: Path,
        secrets: Path,
        patience: float,
        on_line: Callable[[Line], None],
    ) -> None:
        self.launcher, self.name, self.roster = launcher, name, roster
        self.size = roster.most
        self.placement: Hosts | None = None  # where they are
        self._away: Away | None = None  # those of them that are on other hosts
        self._is_short, self._short_since = False, 0.0  # whether there are too few hosts, and since when
        self.connection, self.secrets, self.patience = connection, secrets, patience
        self.generation = 0
        self.known: dict[int, Rank] = {}
        self.failure: str | None = None
        self.replaced = ""  # why the last ones were
        self._on_line = on_line
        self._processes: Processes | None = None
        self.launches = 0
        self._settling: float | None = None
        self._settled: dict[int, bool] = {}
        self._vitals = Vitals()
        self._cradle = Cradle()
        self._missed: float | None = None
        self._killed_before = 0

    @property
    def state(self) -> str:
        """`waiting` (for hosts), `starting`, `ready`, `settling`, `ending`, `failed` or `gone`."""
        if self.failure is not None:
            return "failed"
        if self._is_short:
            return "waiting"
        if self._processes is None and self._away is not None:
            return "starting"
        if self._processes is None or (self._processes.is_ending and self._processes.is_gone):
            return "gone"
        if self._processes.is_ending:
            return "ending"
        if len(self.known) < self.size:
            return "starting"
        return "ready" if self._settling is None else "settling"

    def launch(self) -> None:
        """Start all of them, where there is room; they say hello when they are ready."""
        self.placement = self.roster.call()
        self._is_short = self.placement is None
        if self.placement is None:
            self._short_since = self._short_since or time.monotonic()
            return
        self.size = self.placement.total
        self.generation += 1
        self.launches += 1
        self.known, self._settling, self._missed = {}, None, None
        self._vitals.forget()
        self._killed_before = kills()
        self.launcher.hosts = self.placement if self.placement.remote else None
        cradle = self._cradle.start(self.launcher.environment(self.size, os.environ))
        self._processes = self._away = None
        if self.placement.remote:
            self._away = Away(self.placement, self.connection, {**os.environ, **cradle})
        else:
            self._run([str(self.connection), str(self.secrets)], cradle)

    def _run(self, told: list[str], environment: Mapping[str, str]) -> None:
        self._processes = Processes(
            self.launcher,
            self.size,
            ["-m", "akidlab.worker", *told, str(self.generation), self.name],
            secrets=self.secrets,
            environment=environment,
            on_line=self._on_line,
        )

    def greet(self, hello: Body, peer: Peer) -> None:
        """A rank said hello: it is ready.

        Raises:
            DispatchError: if no such rank was launched, or it said so before.
        """
        number = hello["rank"]
        if number in self.known or number not in range(self.size):
            raise DispatchError(f"Rank {number!r:.20} said hello, expected one of {self.size}, and once.")
        rank = self.known[number] = Rank(peer, int(hello["pid"]), str(hello["host"]))
        if self._processes is not None and not self.is_away(number):
            self._processes.know(rank.pid)
        if len(self.known) == self.size:
            self._short_since = 0.0
            self.secrets.unlink(missing_ok=True)  # all have read it; a launch writes it anew
        log.info("rank %d is ready: process %d on %s", hello["rank"], rank.pid, rank.host)

    def hear(self, number: int, peer: Peer) -> None:
        """A rank said something: it lives.

        Raises:
            DispatchError: if it was somebody else.
        """
        known = self.known.get(number)
        if known is None or known.peer != peer:
            raise DispatchError(f"Somebody spoke for rank {number} who is not that rank.")
        known.heard = time.monotonic()

    def tell(self, body: Body, rank: int | None = None) -> None:
        """Tell one rank, or all."""
        for number, known in self.known.items():
            if rank is None or rank == number:
                known.peer.send(body)

    def settle(self) -> None:
        """After an error: let all of them show that they still understand each other."""
        self._settling, self._settled = time.monotonic(), {}
        self.tell({"kind": "settle"})

    def hear_settled(self, rank: int, clean: bool) -> None:
        """A rank says whether it understood the others."""
        self._settled[rank] = clean

    def replace(self, why: str) -> None:
        """End them and launch others: they cannot go on."""
        log.warning("the ranks are replaced: %s", why)
        if self.launches >= LAUNCHES:
            self.fail(f"The ranks had to be launched {LAUNCHES} times in a row; the last time: {why}")
        self.regroup(why)

    def regroup(self, why: str = "The hosts have changed.") -> None:
        """End them, for others to be launched where the hosts are now."""
        self.replaced, self._settling = why, None
        self._end()

    def _end(self) -> None:
        if self._processes is not None:
            self._processes.end(grace=0.0)
        if self._away is not None:
            self._away.stop()
            if self._processes is None:
                self._away = None

    def leave(self, grace: float = 3.0) -> None:
        """End them: they leave by themselves, or are killed after `grace` seconds."""
        self.tell({"kind": "leave"})
        if self._processes is not None:
            self._processes.end(grace if self.state == "ending" or self.known else 0.0)

    def wait_gone(self, timeout: float) -> None:
        """Wait for the last one."""
        if self._processes is not None and not self._processes.wait(timeout):
            log.error("some ranks could not be ended")
        if self._away is not None:
            self._away.stop()
            self._away.wait_gone(3.5)
        self._cradle.stop()

    def fail(self, why: str) -> None:
        """They cannot be started; what was found stays in `failure`."""
        if self.failure is None:
            log.error("%s", why)
            self.failure = why
            self._end()

    def look(self) -> None:
        """Do what is due: launch, give up a start, take note that they have settled."""
        processes, state = self._processes, self.state
        if self._away is not None and self._away.is_due():
            for rank in self._away.ranks:
                self.tell({"kind": "pulse"}, rank)
        if state == "waiting":
            self._wait()
        elif state == "gone" and self.generation:
            self.launch()
        elif state == "starting" and self._away is not None and self._lose_hosts():
            self.launches -= 1  # it was not theirs to begin
            self.regroup()
        elif state == "starting" and processes is None:
            if self._away is not None and self._away.is_ready:
                self._run([self._away.prefix], {})
        elif state == "starting" and processes is not None:
            waited = time.monotonic() - processes.started
            if not processes.is_running:
                self.fail(self._explain(f"ended before they were ready ({waited:.0f} s after their launch)"))
            elif waited > self.patience:
                self.fail(self._explain(f"were not ready within {self.patience:g} s"))
        elif state == "settling" and self._settling is not None:
            if len(self._settled) == self.size and all(self._settled.values()):
                self._settling = None
            elif not all(self._settled.values()) or time.monotonic() - self._settling > SETTLE:
                self.replace("after an error they did not find back to each other")

    @property
    def are_able(self) -> bool:
        """True if they are ready for a task, and alive at this moment."""
        running = self._processes is not None and self._processes.is_running
        return self.state == "ready" and running and all(map(self._lives, self.known))

    def vital(self, rank: int) -> str:
        """What the process of a rank does: `works`, `waits`, or is `stopped`."""
        known = self.known.get(rank)
        if known is None:
            return "works"
        if self._away is not None and self.is_away(rank):
            return self._away.vital(rank, known.pid)
        return self._vitals.look(known.pid)

    def is_away(self, rank: int) -> bool:
        """True if it is on another host: its number of a process means nothing here."""
        return self._away is not None and rank in self._away.ranks

    def kill(self, rank: int, number: int) -> None:
        """Send a signal to the process of a rank, wherever it is."""
        pid = self.known[rank].pid
        if self._away is not None and self.is_away(rank):
            self._away.kill(rank, pid, number)
        else:
            os.kill(pid, number)

    def lost(self) -> Loss | None:
        """The rank that died, the first one if there are several."""
        processes = self._processes
        if processes is None or processes.is_ending or len(self.known) < self.size:
            return None
        on_lost_host = self._lose_hosts()
        if on_lost_host:
            return Loss(*on_lost_host)
        dead = [number for number in self.known if not self._lives(number)]
        if processes.is_running and not dead:
            return None
        self._missed = self._missed or time.monotonic()
        if processes.is_running and time.monotonic() - self._missed < 1.5 and not self._exits():
            return None  # the launcher will tell which was first, and how it ended
        exits = self._exits()
        first = next(iter(exits), dead[0] if dead else 0)
        return Loss(first, self._obituary(first, exits.get(first)), exits.get(first))

    def _lose_hosts(self) -> tuple[int, str] | None:
        """See whether hosts are gone: a rank on one of them, and what is known of it."""
        away, found = self._away, None
        for host, why in away.lost.items() if away is not None else ():
            self.roster.lose(host, why)
            rank = next(rank for rank, name in away.ranks.items() if name == host) if away else 0
            found = found or (rank, f"Rank {rank} is lost with its host `{host}`, which is gone: {why}.")
        return found

    def _lives(self, rank: int) -> bool:
        return self.vital(rank) != "gone" if self.is_away(rank) else _lives(self.known[rank].pid)

    def _wait(self) -> None:
        """Launch them once there are hosts enough; give up after a while."""
        self.launch()
        if self._is_short and self.waited > self.roster.wait:
            waited = f"There were too few hosts for {self.roster.wait:.3g} s."
            self.fail(f"{waited} {self.roster.describe()}")

    @property
    def waited(self) -> float:
        """Seconds that they have waited for hosts; 0 if they do not."""
        return time.monotonic() - self._short_since if self._is_short else 0.0

    def describe(self) -> list[Body]:
        """Each rank in plain values."""
        now = time.monotonic()
        return [
            {"rank": n, "pid": rank.pid, "host": rank.host, "step": rank.step, "silent": now - rank.heard}
            for n, rank in sorted(self.known.items())
        ]

    def _exits(self) -> dict[int, int]:
        """How ranks ended, by what the launcher says, the first one first."""
        said = list(self._processes.said) if self._processes else []
        found = [_EXIT.search(line.text) for line in said if line.rank is None]
        return {int(match[1]): int(match[2]) for match in found if match}

    def _obituary(self, rank: int, status: int | None) -> str:
        pid = self.known[rank].pid if rank in self.known else "unknown"
        last = self._processes.tail(rank) if self._processes else ""
        said = f"\nIts last lines:\n{last}" if last else ""
        memory = kills() > self._killed_before and not self.is_away(rank)
        return f"Rank {rank} (process {pid}) {_how(status, memory)}.{said}"

    def _explain(self, what: str) -> str:
        processes = self._processes
        said = processes.tail(count=100) if processes else ""
        missing = ", ".join(str(n) for n in range(self.size) if n not in self.known)
        return (
            f"The {self.size} ranks {what}. No hello came from rank {missing}."
            f" They said:\n{said or '  (nothing)'}\nIf it is Horovod that fails, `akidlab doctor` tells more."
        )


def kills() -> int:
    """How many processes of this machine the kernel has ended for want of memory; 0 where nobody counts."""
    try:
        found = re.search(r"^oom_kill (\d+)", Path("/proc/vmstat").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def _how(status: int | None, memory: bool) -> str:
    if status is None:
        return "ended without a word"
    number = status - 128 if status > 128 else -status
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"ended with exit status {status}"
    if name != "SIGKILL":
        return f"was killed by {name}"
    hint = "the machine ran out of memory" if memory else "by somebody, or for want of memory"
    return f"was killed by SIGKILL: {hint}"


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
