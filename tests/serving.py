"""Where a Jupyter server listens that chose its port itself: one that we chose might be another's by then."""

from __future__ import annotations

import json
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE, until


def port_of(server: subprocess.Popen[bytes], root: Path) -> int:
    """The port of a server that was started with `--port=0`, once it listens.

    Args:
        server: its process.
        root: the folder with what it writes, `server.log`, and its `JUPYTER_RUNTIME_DIR`, `jupyter`.
    """
    file = root / "jupyter" / f"jpserver-{server.pid}.json"
    until(lambda: server.poll() is not None or _listens(whole(file).get("port")), 3 * PATIENCE)
    assert server.poll() is None, (root / "server.log").read_text()[-3000:]
    return whole(file)["port"]


def whole(file: Path) -> dict[str, Any]:
    """What a file of JSON says, once all of it is there."""
    with suppress(FileNotFoundError, json.JSONDecodeError):
        return json.loads(file.read_text())
    return {}


def _listens(port: int | None) -> bool:
    with suppress(OSError):
        if port is not None:
            socket.create_connection(("127.0.0.1", port)).close()
            return True
    return False
