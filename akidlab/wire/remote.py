"""Commands to a live run, from any process of its user: the server's route and the command line use this."""

from __future__ import annotations

import socket

from akidlab.config import runtime_path
from akidlab.errors import WireError
from akidlab.messages import Command
from akidlab.wire.channel import Body, Dialer
from akidlab.wire.connection import Connection


def send_command(uid: str, command: Command, timeout: float = 2.0) -> Body:
    """Send `command` to the live run `uid` and give its answer, `{"ok": True}` when it was taken.

    Raises:
        WireError: if the run is not live, or does not answer within `timeout` seconds.
    """
    return ask_run(uid, {"kind": "command", **command.plain}, timeout)


def ask_run(uid: str, body: Body, timeout: float = 2.0) -> Body:
    """Ask the control socket of the live run `uid`, for instance `{"kind": "status"}`.

    Raises:
        WireError: if the run is not live, or does not answer within `timeout` seconds.
    """
    if not uid.isalnum():
        raise WireError(f"`{uid}` is not the uid of a run.")
    connection = Connection.read(runtime_path() / f"run-{uid}.json")
    if connection.host != socket.gethostname():
        raise WireError(
            f"Run {uid} is on {connection.host}, and listens to that machine alone. Steer it from there."
        )
    if not connection.is_live:
        connection.remove()
        raise WireError(f"Run {uid} is not live: the process that held it is gone.")
    with Dialer(connection) as dialer:
        return dialer.ask(body, timeout)
