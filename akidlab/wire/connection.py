"""A Connection: the private file that says where a process listens and how to prove that one may call."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from akidlab.config import runtime_path
from akidlab.errors import WireError


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a run or a pool listens, and the keys of whoever may call it.

    Args:
        kind: what listens, for instance `run` or `pool`.
        uid: which one.
        address: its zmq address on loopback.
        server_key: its public CURVE key (Z85).
        client_public: the public key that a caller shows.
        client_secret: the secret to it: why the file is readable by its owner alone.
        pid: the process that listens.
        created: when it began to, in seconds since the epoch.
        info: plain values about it, such as the folder of the store.
        host: the machine it listens on.
    """

    kind: str
    uid: str
    address: str
    server_key: str
    client_public: str
    client_secret: str = field(repr=False)
    pid: int = field(default_factory=os.getpid)
    created: float = field(default_factory=time.time)
    info: dict[str, object] = field(default_factory=dict)
    host: str = field(default_factory=socket.gethostname)

    @property
    def path(self) -> Path:
        """Where its file lies."""
        return runtime_path() / f"{self.kind}-{self.uid}.json"

    @property
    def is_live(self) -> bool:
        """False if the process is gone, or its number now belongs to another."""
        try:
            process = psutil.Process(self.pid)
            return process.create_time() <= self.created + 1.0 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def write(self) -> Path:
        """Put the file in its place at once and whole, readable by this user alone.

        Raises:
            WireError: if it cannot be written.
        """
        try:
            path = self.path
            draft = path.with_suffix(f".{os.getpid()}.tmp")
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                json.dump(asdict(self), file)
            draft.replace(path)
        except OSError as error:
            raise WireError(
                f"The connection file of `{self.kind}` {self.uid} cannot be written: {error}. "
                "Set AKIDLAB_RUNTIME to a folder of yours that can be."
            ) from error
        return path

    def remove(self) -> None:
        """Take the file away; a missing one is no fault."""
        self.path.unlink(missing_ok=True)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Connection:
        """What the file at `path` says.

        Raises:
            WireError: if there is no such file or it cannot be read.
        """
        try:
            return cls(**json.loads(Path(path).read_text()))
        except FileNotFoundError:
            raise WireError(f"Nothing listens under `{Path(path).name}`: it ended or never began.") from None
        except (OSError, ValueError, TypeError) as error:
            raise WireError(f"The connection file `{path}` cannot be read: {error}.") from error

    @classmethod
    def find(cls, kind: str) -> list[Connection]:
        """Everything of this kind that lives on this machine, oldest first; files of the dead are removed."""
        found = []
        for path in runtime_path().glob(f"{kind}-*.json"):
            try:
                connection = cls.read(path)
            except WireError:
                continue
            if connection.host != socket.gethostname():
                continue
            if connection.is_live:
                found.append(connection)
            else:
                path.unlink(missing_ok=True)
        return sorted(found, key=lambda connection: connection.created)
