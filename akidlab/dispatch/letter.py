"""A letter: what a rank of a launch over several hosts is told in private, in a file that it takes away."""

from __future__ import annotations

import json
import os
import stat
import sys
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from akidlab.dispatch.hosts import interface_of, own_address
from akidlab.dispatch.launcher import launcher as find_launcher
from akidlab.errors import DispatchError
from akidlab.wire import Connection

HERE, AFAR = "here", "afar"  # whether the supervisor is on the same host


def write(
    connection: Connection, environment: Mapping[str, str], *, afar: bool, interface: str | None
) -> str:
    """The text of a letter.

    Args:
        connection: where the supervisor listens, with the keys.
        environment: variables for the rank.
        afar: True for a rank on another host.
        interface: the network interface that ranks talk over; found by the rank itself if left out.
    """
    told = {"connection": asdict(connection), "environment": dict(environment)}
    return json.dumps({**told, "afar": afar, "interface": interface})


def place() -> str:
    """How the paths of a launch's letters begin on every host; in memory where there is room for them."""
    folder = "/dev/shm" if sys.platform == "linux" else "/tmp"
    return f"{folder}/akidlab-{uuid.uuid4().hex}"


def opened(prefix: str, generation: str, launcher: str) -> list[str]:
    """Read this rank's letter and take it away; gives what a rank is told on its command line otherwise.

    The engines are told which interface reaches the others: it may be called differently on each host.
    """
    path = Path(f"{prefix}.{find_launcher(launcher).rank()[0]}")
    letter = _read(path)
    path.unlink()
    os.environ.update({**letter["environment"], **os.environ})
    address = urlsplit(letter["connection"]["address"]).hostname or ""
    interface = interface_of(own_address(address, letter["interface"]))
    for name in ("HOROVOD_GLOO_IFACE", "GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        os.environ[name] = interface
    return [json.dumps(letter["connection"]), AFAR if letter["afar"] else HERE, generation, launcher]


def _read(path: Path) -> dict[str, Any]:
    """What is in a letter.

    Raises:
        DispatchError: if another user could have written it.
    """
    with open(path, opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)) as file:
        state = os.fstat(file.fileno())
        if state.st_uid != os.getuid() or stat.S_IMODE(state.st_mode) & 0o077:
            raise DispatchError(
                f"The file `{path}` is not this user's alone, expected mode 600; it is not used."
            )
        return json.loads(file.read())
