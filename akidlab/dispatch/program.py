"""A program on ranks: one command runs it on all of them, on this machine or on the hosts of a file."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from akidlab.dispatch.host_check import prepare
from akidlab.dispatch.hosts import Hosts
from akidlab.dispatch.launcher import launcher
from akidlab.errors import DispatchError

_HOST = re.compile(r"([\w.-]+)(?:\s+slots=|:)(\d+)")  # as Open MPI, or as MPICH writes it
TIMEOUT = 120  # seconds for the ranks to find each other


def run_on_ranks(
    np: int,
    program: Sequence[str],
    *,
    starter: str = "horovod",
    hostfile: Path | None = None,
    interface: str | None = None,
    hosts: Hosts | None = None,
    told: Callable[[str], object] | None = None,
) -> int:
    """Run `python *program` on `np` ranks until it ends, and give its exit status.

    Args:
        np: the number of ranks.
        program: what Python is told.
        starter: which launcher starts them; the hosts of a file are reached by `horovod` alone.
        hostfile: the hosts, a line for each, such as `node-0 slots=2`, as a cluster writes them.
        interface: the network interface between them; found by Horovod if left out.
        hosts: other hosts, reached by ssh, and looked at before anything is started.
        told: given the table of what was found there.

    Raises:
        DispatchError: if it cannot be started, or the hosts have too few slots.
    """
    if np < 1:
        raise DispatchError(f"A program runs on one rank or more, found -np {np}.")
    found = launcher(starter)
    found.check()
    if hosts is not None:
        prepare(np, hosts, None, starter, Path.cwd(), told)
        found.hosts = hosts.first(np)
        command = found.command(np, list(program))
    elif starter == "horovod":
        command = horovodrun(np, program, hostfile=hostfile, interface=interface)
    elif hostfile is None and interface is None:
        command = found.command(np, list(program))
    else:
        raise DispatchError(
            f"A file of hosts is for `--launcher horovod`, not for `{starter}`: name them with `-H`."
        )
    process = subprocess.Popen(command, env=environment(np, os.environ))
    before = signal.signal(signal.SIGTERM, lambda number, frame: process.terminate())
    try:
        return _wait(process)
    finally:
        signal.signal(signal.SIGTERM, before)


def horovodrun(
    np: int, program: Sequence[str], *, hostfile: Path | None = None, interface: str | None = None
) -> list[str]:
    """The command that runs `python *program` on `np` ranks.

    Raises:
        DispatchError: if there is no such file of hosts, or they have too few slots.
    """
    hosts = {"localhost": np} if hostfile is None else read_hosts(hostfile)
    if sum(hosts.values()) < np:
        raise DispatchError(
            f"The hosts of {hostfile} have {sum(hosts.values())} slots, too few for -np {np}."
        )
    where = ["-H", ",".join(f"{host}:{slots}" for host, slots in hosts.items())]
    if interface is not None:
        where += ["--network-interfaces", interface]
    script = Path(sysconfig.get_path("scripts")) / "horovodrun"
    start = [str(script)] if script.exists() else ["-m", "horovod.runner.launch"]
    return [
        *(sys.executable, *start, "-np", str(np), *where, "--gloo", "--disable-cache"),
        *("--gloo-timeout-seconds", str(TIMEOUT), sys.executable, *program),
    ]


def environment(np: int, base: Mapping[str, str]) -> dict[str, str]:
    """What the ranks get to know: what Python needs, and where data and runs are; nothing that may be secret.

    Horovod writes it all on command lines.

    Example:
        >>> sorted(environment(2, {"PATH": "/bin", "AKID_RUNS": "/runs", "TOKEN": "secret"}))
        ['AKID_RUNS', 'OMP_NUM_THREADS', 'PATH']
    """
    ours = {name: value for name, value in base.items() if name.startswith("AKID")}
    return {**launcher("horovod").environment(np, base), **ours}


def read_hosts(hostfile: Path) -> dict[str, int]:
    """The hosts of a file, in order, with their slots.

    Raises:
        DispatchError: if the file cannot be read, or is none of hosts.

    Example:
        >>> _ = Path("hosts").write_text("node-0 slots=2\\nnode-1 slots=1")
        >>> read_hosts(Path("hosts"))
        {'node-0': 2, 'node-1': 1}
    """
    try:
        lines = [line for line in hostfile.read_text().splitlines() if line.strip()]
    except OSError as error:
        raise DispatchError(f"The file of hosts {hostfile} cannot be read: {error.strerror}.") from None
    found = [_HOST.fullmatch(line.strip()) for line in lines]
    for line, match in zip(lines, found, strict=True):
        if match is None:
            raise DispatchError(
                f"{hostfile} is expected to have lines like `node-0 slots=2`, found {line!r}."
            )
    return {match[1]: int(match[2]) for match in found if match}


def _wait(process: subprocess.Popen[bytes]) -> int:
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the terminal told it, too; it ends after the step it is in
            continue
