"""Elastic: how many ranks there may be, which hosts there are now, and what becomes of lost ones."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from akidlab.dispatch.hosts import Hosts, is_here
from akidlab.errors import DispatchError

log = logging.getLogger(__name__)

LOOK = 1.0  # seconds between two runs of the script
TAKES = 10.0  # seconds that it may take
AGAIN = 3.0  # seconds until a host that was lost is tried again; twice as many after each time
LATEST = 60.0  # seconds, at most
WAIT = 600.0  # seconds for enough hosts to come


@dataclass(frozen=True)
class Elastic:
    """How the number of ranks may change.

    Args:
        least: fewer than so many do not go on; None for the number of ranks that was asked for.
        most: more than so many are not used; None for the number of ranks that was asked for.
        discover: a script that prints the hosts there are, a line `host:slots` for each.
        wait: seconds to wait where there are too few.
    """

    least: int | None = None
    most: int | None = None
    discover: str | None = None
    wait: float = WAIT

    def check(self, np: int) -> None:
        """See that the numbers fit each other.

        Raises:
            DispatchError: if they do not, or there is no such script.

        Example:
            >>> Elastic(least=3).check(2)
            Traceback (most recent call last):
            akidlab.errors.DispatchError: `--min-np 3` is more than `-np 2`. Expected min-np <= np <= max-np.
        """
        order = "Expected min-np <= np <= max-np."
        for option, number in (("--min-np", self.least), ("--max-np", self.most)):
            if number is not None and number < 1:
                raise DispatchError(f"`{option}` is 1 or more, found {number}.")
        if self.least is not None and self.least > np:
            raise DispatchError(f"`--min-np {self.least}` is more than `-np {np}`. {order}")
        if self.most is not None and self.most < np:
            raise DispatchError(f"`--max-np {self.most}` is less than `-np {np}`. {order}")
        if self.discover is not None and shutil.which((shlex.split(self.discover) or [""])[0]) is None:
            raise DispatchError(
                f"`--discover {self.discover}`: there is no such program. Expected a script that prints a"
                " line `host:slots` for each host; give its path, and make it executable (`chmod +x`)."
            )

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any] | None) -> Elastic:
        """What `to_plain` told."""
        return cls(**(plain or {}))

    def to_plain(self) -> dict[str, Any]:
        """In plain values."""
        return asdict(self)


class Roster:
    """The hosts that ranks may be placed on, now: those named or found, without those that are lost.

    A host that was lost is tried again every few seconds, and is back when it answers.

    Args:
        np: the number of ranks that was asked for.
        hosts: those that were named; None for this machine, unless a script finds others.
        elastic: how the number may change.
        examine: says of other hosts what is wrong with them, before they are used; None to let a script
            find none but this one.

    Example:
        >>> roster = Roster(2, Hosts.parse("a:2,b:2"), Elastic(least=1, most=3))
        >>> str(roster.call())
        'a:2,b:1'
        >>> roster.lose("a", "it is off")
        >>> str(roster.call())
        'b:2'
    """

    def __init__(
        self,
        np: int,
        hosts: Hosts | None = None,
        elastic: Elastic | None = None,
        examine: Callable[[Hosts, list[str]], dict[str, str]] | None = None,
    ) -> None:
        elastic = elastic or Elastic()
        self.least = np if elastic.least is None else elastic.least
        self.most = np if elastic.most is None else elastic.most
        self.wait = elastic.wait
        self._script, self._examine = elastic.discover, examine
        named = hosts if hosts is not None and hosts.slots else None
        ways = hosts or Hosts()
        self._hosts = named or replace(ways, slots={} if self._script else {"localhost": self.most})
        self._lost: dict[str, str] = {}
        self._tries: dict[str, tuple[int, float]] = {}  # how often a host was lost, and when to try it again
        self._complaint: str | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()

    def start(self) -> None:
        """Begin to look for hosts, if there is anything to find."""
        if self._script is not None or self._hosts.remote:
            threading.Thread(target=self._work, name="akidlab-roster", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def call(self) -> Hosts | None:
        """Where the ranks are to be, as many as there may be; None if there are too few."""
        with self._lock:
            there = self._hosts.without(self._lost)
        return there.first(min(self.most, there.total)) if there.total >= self.least else None

    def suits(self, now: Hosts) -> bool:
        """False if the ranks should be elsewhere, or nowhere: hosts have come, or are about to go."""
        wanted = self.call()
        return wanted is not None and dict(wanted.slots) == dict(now.slots)

    def lose(self, host: str, why: str) -> None:
        """A host is gone."""
        log.warning("the host %s is lost: %s", host, why)
        with self._lock:
            self._lost[host] = why
            times = self._tries.get(host, (0, 0.0))[0]
            self._tries[host] = times + 1, time.monotonic() + min(LATEST, AGAIN * 2**times)

    def describe(self) -> str:
        """What there is, and what is wrong with the rest."""
        with self._lock:
            there, lost = self._hosts.without(self._lost), dict(self._lost)
        said = [f"Slots needed: {self.least}, found: {there.total} ({str(there) or 'no host'})."]
        said += [f"`{host}` is lost: {why}." for host, why in lost.items()]
        return " ".join([*said, *([self._complaint] if self._complaint else [])])

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                self._look()
            except Exception:  # a host that tells nonsense, say, must not end the looking for others
                log.exception("no hosts could be looked for")
            self._over.wait(LOOK)

    def _look(self) -> None:
        if self._script is not None:
            self._discover(self._script)
        for host in list(self._lost):
            if time.monotonic() >= self._tries.get(host, (0, 0.0))[1]:
                self._try(host)

    def _discover(self, script: str) -> None:
        try:
            found = discovered(script, self._hosts)
            self._see(found)
        except DispatchError as error:
            if str(error) != self._complaint:
                log.warning("%s", error)
            self._complaint = str(error)
            return
        with self._lock:
            kept = [host for host in self._hosts.slots if host in found.slots]  # the ranks stay there
            names = dict.fromkeys([*kept, *found.slots])
            self._hosts = replace(self._hosts, slots={name: found.slots[name] for name in names})
            self._lost = {host: why for host, why in self._lost.items() if host in found.slots}
            self._complaint = None

    def _see(self, found: Hosts) -> None:
        """Let nothing in that is not as it should be: a host that is new is examined first."""
        new = [host for host in found.remote if host not in self._hosts.slots]
        if not new:
            return
        if self._examine is None:
            raise DispatchError(
                f"The script found {', '.join(new)}, but this pool listens on loopback. Name a host"
                " with `-H`, or `--network-interface`, when it is started."
            )
        for host, why in self._examine(found, new).items():
            self.lose(host, why)

    def _try(self, host: str) -> None:
        """Let a host back in if it answers, and is as it should be: it may never have been."""
        if not is_here(host):
            if not _answers(self._hosts.ssh(host, "true")):
                return
            if self._examine is not None and (faults := self._examine(self._hosts, [host])):
                self.lose(host, faults[host])
                return
        log.info("the host %s is back", host)
        with self._lock:
            self._lost.pop(host, None)


class Where(NamedTuple):
    """Where ranks are placed: the hosts, and how their number may change."""

    hosts: Hosts | None = None
    elastic: Elastic | None = None


def discovered(script: str, ways: Hosts) -> Hosts:
    """The hosts that a script prints, to be reached as `ways` says.

    Raises:
        DispatchError: if it fails, takes too long, or prints something else.
    """
    found = Hosts.of_lines(_said(script).splitlines(), f"`--discover {script}`")
    return replace(ways, slots=found.slots)


def _said(script: str) -> str:
    """What a script prints.

    Raises:
        DispatchError: if it fails, or takes too long.
    """
    try:
        process = subprocess.Popen(
            shlex.split(script),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise DispatchError(f"`--discover {script}` cannot be run: {error.strerror}.") from None
    try:
        out, wrong = process.communicate(timeout=TAKES)
    except subprocess.TimeoutExpired:
        raise DispatchError(f"`--discover {script}` took more than {TAKES:g} s.") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode:
        last = (wrong.strip() or "it said nothing").splitlines()[-1]
        raise DispatchError(f"`--discover {script}` ended with status {process.returncode}: {last}")
    return out


def _answers(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=TAKES)
        return done.returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
