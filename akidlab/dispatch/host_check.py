"""The check of hosts: before any rank is started, what each has is compared with what is here."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from akidlab.config import data_path, runs_path
from akidlab.dispatch import host_probe
from akidlab.dispatch.elastic import Elastic, discovered
from akidlab.dispatch.hosts import Hosts, own_address
from akidlab.dispatch.launcher import launcher as find_launcher
from akidlab.dispatch.launcher import needed
from akidlab.errors import DispatchError

TAKES = 40.0  # seconds for a host to tell what it has
COLUMNS = ("python", "torch", "horovod", "akidlab", "code", "data", "slots")


@dataclass
class Finding:
    """What was found on one host.

    Args:
        host: which.
        has: for each column of the table what is there.
        wrong: what is wrong, with what to do about it.
    """

    host: str
    has: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def prepare(
    np: int,
    hosts: Hosts | None,
    elastic: Elastic | None,
    launcher: str,
    folder: Path,
    told: Callable[[str], object] | None = None,
) -> None:
    """See that ranks can be started on these hosts.

    Args:
        np: how many ranks.
        hosts: where; None for this machine.
        elastic: how their number may change.
        launcher: what starts them.
        folder: where they work.
        told: given the table, if there is another host to tell of.

    Raises:
        DispatchError: if they cannot, with what to do.
    """
    elastic = elastic or Elastic()
    elastic.check(np)
    if hosts is None and elastic.discover is None:
        return
    if hosts is not None and hosts.slots:
        if elastic.discover is None:
            hosts.check(elastic.least or np)
    elif elastic.discover is not None:
        hosts = discovered(elastic.discover, hosts or Hosts())
    assert hosts is not None
    remote = hosts.remote
    if not remote:
        return
    if not find_launcher(launcher).reaches_hosts:
        raise DispatchError(f"The launcher `{launcher}` starts ranks on this machine only; leave out `-H`.")
    findings = examine(hosts, remote, launcher, folder)
    if told is not None:
        told(table(findings))
    if any(finding.wrong for finding in findings):
        said = "" if told is not None else f"\n{table(findings)}"
        wrong = [f"{finding.host}: {fault}" for finding in findings for fault in finding.wrong]
        raise DispatchError("No rank was started.\n" + "\n".join(wrong) + said)


def examine(hosts: Hosts, names: list[str], launcher: str, folder: Path) -> list[Finding]:
    """Ask all of these hosts at the same time what they have, and compare it with what is here."""
    places = [str(folder), str(data_path()), str(runs_path())]
    told: dict[str, dict[str, Any] | str] = {}

    def ask(name: str) -> None:
        told[name] = _asked(hosts, name, places)

    with _tokens(places[0], places[2]):
        here = host_probe.look(*places)
        asking = [threading.Thread(target=ask, args=(name,)) for name in names]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
    return [_compared(name, told[name], here, hosts, launcher, places) for name in names]


def faults(launcher: str, folder: Path) -> Callable[[Hosts, list[str]], dict[str, str]]:
    """What says of hosts what is wrong with them, if anything is."""

    def examined(hosts: Hosts, names: list[str]) -> dict[str, str]:
        findings = examine(hosts, names, launcher, folder)
        return {finding.host: " ".join(finding.wrong) for finding in findings if finding.wrong}

    return examined


def table(findings: list[Finding]) -> str:
    """The findings, a line for each host.

    Example:
        >>> table([Finding("a", {"ssh": "ok", "python": "3.11.2"})]).splitlines()[1].split()
        ['a', 'ok', '3.11.2', 'ok']
    """
    rows = [["host", "ssh", *COLUMNS, ""]]
    for finding in findings:
        cells = [finding.has.get(column, "") for column in ("ssh", *COLUMNS)]
        rows.append([finding.host, *cells, "see below" if finding.wrong else "ok"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _asked(hosts: Hosts, name: str, places: list[str]) -> dict[str, Any] | str:
    """What a host has; in words why nobody knows."""
    command = hosts.command(name, [sys.executable, "-", *places], needed(os.environ), "/")
    try:
        own_address(name)
        done = subprocess.run(
            command,
            input=Path(host_probe.__file__).read_text(),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TAKES,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"It did not answer within {TAKES:g} s."
    except (OSError, DispatchError) as error:
        return str(error)
    said = done.stderr.strip().splitlines()
    if done.returncode in (126, 127):
        return "no python"
    if done.returncode:
        return said[-1] if said else f"ssh ended with status {done.returncode}."
    try:
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))
    except (ValueError, IndexError):
        return f"It said {done.stdout[-60:]!r}, expected what it has."


def _compared(
    name: str,
    told: dict[str, Any] | str,
    here: dict[str, Any],
    hosts: Hosts,
    launcher: str,
    places: list[str],
) -> Finding:
    folder, data, _ = places
    if told == "no python":
        fault = f"There is no {sys.executable}. Make the environment there under the same path, as here."
        return Finding(name, {"ssh": "ok", "python": "missing"}, [fault])
    if isinstance(told, str):
        advice = f"`ssh {name} true` must work in a terminal without a question: a key, and a known host."
        return Finding(name, {"ssh": "no"}, [f"It cannot be reached by ssh: {told} {advice}"])
    found = Finding(name, {"ssh": "ok"})
    for what in ("python", "torch", "akidlab", *(["horovod"] if launcher == "horovod" else [])):
        if told[what] != here[what]:
            remedy = f"pip install {what}=={here[what]}" if what == "torch" else f"install the same {what}"
            found.wrong.append(
                f"It has {what} {told[what] or '(none)'}, here it is {here[what]}. To mend: {remedy}."
            )
    found.has |= {what: str(told[what] or "missing") for what in ("python", "torch", "horovod")}
    found.has["akidlab"] = str(told["akidlab"] or "missing").partition(" ")[0]
    is_shared = told["shared"] is not None and told["shared"] == here["shared"]
    found.has["code"] = "shared" if is_shared else "missing" if told["code"] is None else "same"
    if not is_shared and told["code"] != here["code"]:
        copy = f"`rsync -a {folder}/ {name}:{folder}/` copies it; a shared folder needs no copy."
        if told["code"] is None:
            found.wrong.append(f"There is no folder {folder}. {copy}")
        else:
            found.has["code"] = "other"
            found.wrong.append(f"The Python files in {folder} are others than here. {copy}")
    found.has["data"] = "there" if told["data"] else "missing" if here["data"] else "none"
    if here["data"] and not told["data"]:
        where = data if os.path.isabs(data) else os.path.join(folder, data)
        found.wrong.append(
            f"There is no {where}, where the data sets are here. Copy it, or set AKID_DATA_PATH to a folder"
            " that all hosts have."
        )
    slots, cores = hosts.slots[name], int(told["cores"])
    found.has["slots"] = f"{slots}" if slots <= cores else f"{slots} on {cores} cores"
    return found


@contextmanager
def _tokens(*folders: str) -> Iterator[None]:
    """A file in each of these folders that another host sees if it shares the folder."""
    paths = [Path(folder) / host_probe.TOKEN for folder in folders]
    for path in paths:
        with contextlib.suppress(OSError):
            path.write_text(uuid.uuid4().hex)
    try:
        yield
    finally:
        for path in paths:
            path.unlink(missing_ok=True)
