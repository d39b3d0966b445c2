"""Launchers: how the ranks of a pool come to life. A plug-in offers its own under `akidlab.launchers`."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import sysconfig
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from akidlab import registry
from akidlab.dispatch.hosts import Hosts, interface_of, own_address
from akidlab.errors import DispatchError

_LINE = re.compile(r"\[(\d+)\]<(stdout|stderr)>:(.*)", re.DOTALL)
_OPEN = re.compile(  # what a rank needs before its first line of Python; all else comes in a private file
    r"PATH|HOME|USER|SHELL|LANG|LC_.*|TZ|TMPDIR|LD_.*|DYLD_.*|PYTHON.*|VIRTUAL_ENV|CONDA_PREFIX|OMP_.*|MKL_.*"
    r"|KMP_.*|OPENBLAS_.*|CUDA_.*|NVIDIA_.*|NCCL_.*|GLOO_.*|MALLOC_.*|XDG_.*"
    r"|HOROVOD_(?!RANK|SIZE|LOCAL_|CROSS_|HOSTNAME|CONTROLLER|GLOO_RENDEZVOUS).*"  # not of a rank we are on
)

_NEEDED = re.compile(
    r"PATH|LANG|LC_.*|LD_LIBRARY_PATH|PYTHON.*|VIRTUAL_ENV|CONDA_PREFIX|OMP_.*|MKL_.*|AKID_.*"
)


class Line(NamedTuple):
    """A line that came from the launcher's pipe: whose it was, on which stream, and what it says."""

    rank: int | None
    stream: str
    text: str


class Launcher(ABC):
    """Starts the ranks of a pool with one command, which ends when they end.

    `engine` names the engine with which a Kid works on these ranks. One that `reaches_hosts` places the ranks
    on its `hosts`, in their order, where it was given some.
    """

    engine: str
    reaches_hosts = False
    hosts: Hosts | None = None

    @abstractmethod
    def check(self) -> None:
        """Say early why it cannot work here.

        Raises:
            DispatchError: with what to do about it.
        """

    @abstractmethod
    def command(self, size: int, worker: list[str]) -> list[str]:
        """The command that runs `python *worker` on `size` ranks."""

    @abstractmethod
    def rank(self) -> tuple[int, int]:
        """Called on a rank: which one of how many it is."""

    def environment(self, size: int, base: Mapping[str, str]) -> dict[str, str]:
        """The variables for `command`: those a rank needs before Python runs, and threads for its share."""
        found = {name: value for name, value in base.items() if _OPEN.fullmatch(name)}
        here = size if self.hosts is None else max(self.hosts.slots.values())
        found.setdefault("OMP_NUM_THREADS", str(threads_per_rank(here)))
        return found

    def read(self, line: str) -> Line:
        """Whose a line of the command's output is; `[1]<stderr>:` begins one of rank 1."""
        found = _LINE.fullmatch(line)
        return Line(int(found[1]), found[2], found[3]) if found else Line(None, "stdout", line)


class HorovodLauncher(Launcher):
    """Starts ranks with `horovodrun`, on this machine or on its `hosts`, over Gloo.

    Horovod puts its whole environment on the command lines of its children, where every user of the machine
    can read it; therefore only what is needed to start goes that way.
    """

    engine = "horovod"
    reaches_hosts = True

    def check(self) -> None:
        if sys.platform == "win32":
            raise DispatchError("Horovod does not run on Windows. Use WSL, or train in the notebook.")
        if importlib.util.find_spec("horovod") is None:
            raise DispatchError(
                "Horovod is not installed here, and the ranks need it. Run `akidlab install-horovod` in a"
                " terminal (or `!akidlab install-horovod` in a cell): it builds Horovod for this torch. Or do"
                " without it: `--launcher torch`."
            )

    def command(self, size: int, worker: list[str]) -> list[str]:
        script = Path(sysconfig.get_path("scripts")) / "horovodrun"
        start = [str(script)] if script.exists() else ["-m", "horovod.runner.launch"]
        return [
            *(sys.executable, *start),
            *("-np", str(size), *self._where(size), "--gloo", "--disable-cache"),
            *("--gloo-timeout-seconds", "120"),
            *(sys.executable, *worker),
        ]

    def rank(self) -> tuple[int, int]:
        return int(os.environ["HOROVOD_RANK"]), int(os.environ["HOROVOD_SIZE"])

    def _where(self, size: int) -> list[str]:
        hosts = self.hosts
        if hosts is None:
            return ["-H", f"localhost:{size}"]
        remote = hosts.remote  # an interface that is named spares a search, which shows a key to everybody
        here = [] if not remote else [interface_of(own_address(remote[0], hosts.interface))]
        port = [] if hosts.port is None else ["--ssh-port", str(hosts.port)]
        key = [] if hosts.identity is None else ["--ssh-identity-file", hosts.identity]
        return ["-H", str(hosts), *(["--network-interfaces", *here] if here else []), *port, *key]


def launcher(name: str) -> Launcher:
    """The launcher of this name, its own installed here or a stranger's.

    Raises:
        UnknownNameError: if no installed package offers it.
    """
    made = registry.load("akidlab.launchers", name)
    if not (isinstance(made, type) and issubclass(made, Launcher)):
        raise TypeError(f"The plug-in `{name}` of `akidlab.launchers` is {made!r}, expected a Launcher.")
    return made()


def needed(base: Mapping[str, str]) -> dict[str, str]:
    """The variables without which Python may not start on another host as it does here.

    Example:
        >>> needed({"PYTHONPATH": "/code", "HOME": "/me", "TOKEN": "secret"})
        {'PYTHONPATH': '/code'}
    """
    return {name: value for name, value in base.items() if _NEEDED.fullmatch(name)}


def slots() -> int:
    """How many ranks this machine can hold without their sharing cores."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def threads_per_rank(size: int) -> int:
    """How many threads each of `size` ranks may use."""
    return max(1, slots() // size)
