"""A Pool: living ranks, from the kernel's side."""

from __future__ import annotations

import contextlib
import json
import os
import time
import warnings
import weakref
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from akidlab import errors
from akidlab.dispatch.elastic import Elastic
from akidlab.dispatch.host_check import prepare
from akidlab.dispatch.hosts import Hosts
from akidlab.dispatch.job import Job, OnOutput
from akidlab.dispatch.launcher import launcher as find_launcher
from akidlab.dispatch.launcher import slots
from akidlab.dispatch.spawn import spawn, wait_gone
from akidlab.dispatch.task import Task
from akidlab.errors import DispatchError, WireError
from akidlab.processes import began
from akidlab.wire import Connection, Dialer

DEFAULT = "horovod"  # the launcher of those who name none


class Pool:
    """Ranks that stay warm between tasks, behind the supervisor that launched them.

    Get one with `Pool.start` or `Pool.find`.

    Args:
        connection: where its supervisor listens.

    Example:
        >>> with Pool.start(2) as pool:  # doctest: +SKIP
        ...     outcome = pool.submit(task).wait()
    """

    def __init__(self, connection: Connection, on_output: OnOutput | None = None) -> None:
        self.connection = connection
        self._dialer = Dialer(connection)
        self._jobs: weakref.WeakValueDictionary[str, Job] = weakref.WeakValueDictionary()  # they hold weights
        self._on_output = on_output
        self._dialer.start()
        me = weakref.ref(self)
        self._dialer.listen(lambda body: _deliver(me, body))
        self._finalizer = weakref.finalize(self, self._dialer.stop)

    @classmethod
    def start(
        cls,
        np: int,
        *,
        project: str | os.PathLike[str] | None = None,
        launcher: str | None = None,
        idle: float = 600.0,
        patience: float = 120.0,
        env: Mapping[str, str] | None = None,
        on_output: OnOutput | None = None,
        hosts: Hosts | str | None = None,
        elastic: Elastic | None = None,
        told: Callable[[str], object] | None = None,
    ) -> Pool:
        """The living pool of this project and size, or a new one.

        Returns as soon as the supervisor lives; the ranks are ready a few seconds later, and a task that is
        submitted before then waits for them.

        Args:
            np: the number of ranks.
            project: the folder in which they work, by default the one we are in.
            launcher: what starts them, from the entry points `akidlab.launchers`: `horovod`, or `torch`; by
                default Horovod, or whatever started the living pool.
            idle: seconds without a task until the pool leaves.
            patience: seconds for the ranks to start.
            env: variables for the ranks, beyond those of this process; by default none, or those that the
                living pool was started with.
            on_output: told what the ranks write between tasks.
            hosts: where the ranks are, such as `a:2,b:2`; by default on this machine.
            elastic: how their number may change as hosts come and go; by default it does not.
            told: given the table of what was found on other hosts, before any rank is started.

        Raises:
            DispatchError: if `np` is less than one, the launcher cannot work here, something is wrong with a
                host, or nothing starts.
        """
        if np < 1:
            raise DispatchError(f"A pool has one rank or more, found -np {np}.")
        folder = Path(project or Path.cwd()).resolve()
        variables = None if env is None else json.dumps(dict(sorted(env.items())))
        hosts = Hosts.parse(hosts) if isinstance(hosts, str) else hosts
        pool = cls._living(np, folder, launcher, variables, hosts, elastic)
        if pool is None:
            launcher = launcher or DEFAULT
            find_launcher(launcher).check()
            prepare(np, hosts, elastic, launcher, folder, told)
            if hosts is None and np > slots():
                warnings.warn(
                    f"{np} ranks share the {slots()} cores of this machine: more ranks than that are slower.",
                    stacklevel=2,
                )
            pool = cls(
                spawn(np, folder, launcher, idle, patience, env or {}, variables or "{}", hosts, elastic)
            )
        pool._on_output = on_output
        pool.attach()
        return pool

    @classmethod
    def find(cls, project: str | os.PathLike[str] | None = None) -> list[Pool]:
        """The living pools, of one project or of all, oldest first."""
        folder = None if project is None else str(Path(project).resolve())
        return [
            cls(connection)
            for connection in Connection.find("pool")
            if folder is None or connection.info.get("project") == folder
        ]

    @classmethod
    def _living(
        cls,
        np: int,
        folder: Path,
        launcher: str | None,
        variables: str | None,
        hosts: Hosts | None,
        elastic: Elastic | None,
    ) -> Pool | None:
        wanted: dict[str, object] = {"size": np, "project": str(folder)}
        wanted |= {"hosts": hosts and hosts.to_plain(), "elastic": elastic and elastic.to_plain()}
        wanted |= {} if launcher is None else {"launcher": launcher}
        wanted |= {} if variables is None else {"variables": variables}
        for pool in cls.find(folder):
            has = {"hosts": None, "elastic": None, **pool.connection.info}
            is_wanted = wanted.items() <= has.items()
            if is_wanted and pool.is_well:
                return pool
            if is_wanted and pool.is_leaving:  # soon its place, and its cores, are free
                wait_gone(pool.connection)
            pool.close()
        return None

    @property
    def uid(self) -> str:
        """Which pool it is."""
        return self.connection.uid

    @property
    def pid(self) -> int:
        """The process of its supervisor."""
        return self.connection.pid

    @property
    def size(self) -> int:
        """The number of ranks."""
        return int(str(self.connection.info["size"]))

    @property
    def launcher(self) -> str:
        """What started the ranks."""
        return str(self.connection.info["launcher"])

    @property
    def project(self) -> Path:
        """The folder in which the ranks work."""
        return Path(str(self.connection.info["project"]))

    @property
    def log(self) -> Path:
        """What its supervisor wrote."""
        return Path(str(self.connection.info["log"]))

    @property
    def alive(self) -> bool:
        """False when its supervisor is gone."""
        return self.connection.is_live

    @property
    def is_well(self) -> bool:
        """False if it takes nothing more: its ranks could not be started, it is leaving, or it is gone."""
        try:
            return self.describe()["state"] not in ("failed", "leaving")
        except DispatchError:
            return False

    @property
    def is_leaving(self) -> bool:
        """True from when it was stopped until it is gone."""
        try:
            return self.describe()["state"] == "leaving"
        except DispatchError:
            return False

    def attach(self) -> None:
        """Be an owner: the pool stays as long as one of its owners lives."""
        me = os.getpid()
        self.ask(
            {"kind": "attach", "pid": me, "born": began(me), "output": self._on_output is not None},
        )

    def describe(self) -> dict[str, Any]:
        """What it is and does, in plain values: `state`, `ranks`, `run`, `waiting`, `idle_left`, `log`, ...

        Raises:
            DispatchError: if its supervisor is gone.
        """
        return self.ask({"kind": "describe"})

    def wait_ready(self, timeout: float = 180.0) -> None:
        """Wait until the ranks are ready for a task.

        Raises:
            DispatchError: if they cannot be started, with what they wrote.
            TimeoutError: if they are not ready in time.
        """
        end = time.monotonic() + timeout
        while (found := self.describe())["state"] not in ("ready", "busy"):
            if found["error"]:
                raise DispatchError(found["error"])
            if time.monotonic() > end:
                raise TimeoutError(f"The {self.size} ranks are {found['state']} after {timeout:g} s.")
            time.sleep(0.05)

    def submit(self, task: Task) -> Job:
        """Hand a task to the ranks; it begins when they are free.

        Raises:
            DispatchError: if the pool is gone or leaving.
            StoreError: if the store cannot be written.
        """
        job = self._jobs[task.uid] = Job(self, task.uid, task.name)
        try:
            answer = self.ask({"kind": "submit", "task": asdict(task)}, timeout=60.0)
        except BaseException:
            self._jobs.pop(task.uid, None)
            raise
        job.name, job.waits_for = answer["name"], answer.get("waits_for")
        return job

    def watch(self, uid: str) -> Job:
        """The job of a run that this pool has, perhaps on behalf of another kernel.

        Raises:
            DispatchError: if it has no such run.
        """
        answer = self.ask({"kind": "watch", "run": uid})
        job = self._jobs[uid] = Job(self, uid, answer["name"])
        job.ask_again()
        return job

    def stop(self) -> list[str]:
        """End its runs, the ranks and the supervisor; returns when nothing of them is left.

        Returns:
            The names of the runs that it ended.
        """
        runs: list[str] = []
        if self.alive:
            with contextlib.suppress(DispatchError, WireError):
                runs = self.ask({"kind": "stop", "pid": os.getpid()})["runs"]
        wait_gone(self.connection)
        self.close()
        return runs

    def resize(self, np: int, **options: Any) -> Pool:
        """A pool of another size in the place of this one, started as it was but for `options`."""
        self.stop()
        info = self.connection.info
        like: dict[str, Any] = {"project": self.project, "launcher": info["launcher"]}
        like |= {"on_output": self._on_output, "hosts": Hosts.of_plain(info.get("hosts"))}  # type: ignore[arg-type]
        return Pool.start(np, **{**like, "env": json.loads(str(info["variables"])), **options})

    def close(self) -> None:
        """Hang up; the pool lives on."""
        self._finalizer()

    def ask(self, body: dict[str, Any], timeout: float = 10.0) -> dict[str, Any]:
        """The supervisor's answer to `body`.

        Raises:
            DispatchError: if it refuses, does not answer, or is gone.
        """
        if not self.alive:
            raise DispatchError(f"The pool of {self.size} ranks is gone (process {self.pid} ended).")
        try:
            answer = self._dialer.ask(body, timeout)
        except WireError as error:
            raise DispatchError(f"The pool does not answer: {error} Its log: {self.log}") from error
        if not answer.get("ok"):
            kind = getattr(errors, str(answer.get("type")), DispatchError)  # the store's errors stay such
            raise kind(answer.get("error"))
        return answer

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "gone"
        if self.alive:
            with contextlib.suppress(DispatchError):
                state = self.describe()["state"]
        return f"Pool({self.size} ranks in {str(self.project)!r}, {state})"


def _deliver(me: weakref.ref[Any], body: dict[str, Any]) -> None:
    pool: Pool | None = me()
    if pool is None:
        return
    if body.get("run") is None:
        if pool._on_output is not None and body["kind"] == "output":
            pool._on_output(body["rank"], body["stream"], body["text"])
    elif (job := pool._jobs.get(body["run"])) is not None:
        job.hear(body)
