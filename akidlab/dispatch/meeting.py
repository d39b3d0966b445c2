"""A meeting: where ranks of several hosts find each other, behind a socket that asks for a key."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from akidlab.dispatch.hosts import interface_of, own_address
from akidlab.wire import Connection, Listener

Body = dict[str, Any]
PLACE = "AKIDLAB_MEETING"  # the path of the private file that says where it is


class Meeting:
    """Keeps what ranks tell each other as they find each other: values under names.

    Args:
        address: where it listens.
        interface: the network interface for the ranks; found on each host if left out.

    Example:
        >>> with Meeting("127.0.0.1") as meeting:
        ...     told = meeting.answer({"kind": "set", "key": "a", "value": b"1"})
        ...     meeting.answer({"kind": "get", "key": "a"})
        {'value': b'1'}
    """

    def __init__(self, address: str, interface: str | None = None) -> None:
        self._values: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._interface = interface
        self._listener = Listener(
            lambda request, peer: self.answer(request), kind="meeting", uid=uuid.uuid4().hex, address=address
        )

    @property
    def ticket(self) -> str:
        """What a rank must know to come: secret, and in one line."""
        return json.dumps({"connection": asdict(self._listener.connection), "interface": self._interface})

    def answer(self, request: Body) -> Body:
        """Do what a rank asks for."""
        key, kind = str(request["key"]), request["kind"]
        with self._lock:
            if kind == "set":
                self._values[key] = bytes(request["value"])
                return {"ok": True}
            if kind == "get":
                return {"value": self._values.get(key)}
            if kind == "add":
                total = int(self._values.get(key, b"0")) + int(request["value"])
                self._values[key] = str(total).encode()
                return {"value": total}
            if kind == "compare":
                if self._values.get(key, b"") == request["expected"]:
                    self._values[key] = bytes(request["value"])
                return {"value": self._values.get(key, request["expected"])}
            if kind == "count":
                return {"value": len(self._values)}
            return {"value": self._values.pop(key, None) is not None}  # delete

    def __enter__(self) -> Meeting:
        self._listener.start()
        self._listener.connection.remove()  # who comes has a ticket, and whoever is killed removes nothing
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.stop(linger=0.0)


def connection(ticket: str) -> Connection:
    """Where the meeting is that a ticket is for."""
    return Connection(**json.loads(ticket)["connection"])


def interface(ticket: str) -> str:
    """The network interface of this host over which the others are reached."""
    told = json.loads(ticket)
    address = urlsplit(told["connection"]["address"]).hostname or ""
    return interface_of(own_address(address, told["interface"]))
