"""A Connection: the private file that says where a process listens and how to prove that one may call."""

from __future__ import annotations

import json
import os
import socket
import stat
import time
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from akidlab.config import runtime_path
from akidlab.errors import WireError
from akidlab.processes import began, lives

DRAFT = 60.0  # seconds after which a file that is not whole yet never will be


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
        born: when that process began, as `processes.began` tells; it tells it from a later one of the number.
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
    born: float | None = field(default_factory=lambda: began(os.getpid()))

    @property
    def path(self) -> Path:
        """Where its file lies."""
        return runtime_path() / f"{self.kind}-{self.uid}.json"

    @property
    def is_live(self) -> bool:
        """False if the process is gone, or its number now belongs to another."""
        return lives(self.pid, self.born)

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
        except WireError:
            raise
        except OSError as error:
            raise WireError(
                f"The connection file of `{self.kind}` {self.uid} cannot be written: {error}. "
                "Set AKIDLAB_RUNTIME to a folder of yours that can be."
            ) from error
        return path

    def remove(self) -> None:
        """Take the file away, unless it is another's by now; a missing one is no fault.

        A run that goes on listens under the same name again: whoever finds that its last process is gone
        must not take the file of the next one. So it is moved aside first, and put back if it is not ours.
        """
        if not self._is_in(self.path):
            return
        aside = self.path.with_suffix(f".{uuid.uuid4().hex}.tmp")
        try:
            self.path.rename(aside)
        except FileNotFoundError:
            return
        try:
            if not self._is_in(aside):
                with suppress(FileExistsError):  # one that came still later
                    os.link(aside, self.path)
        finally:
            aside.unlink(missing_ok=True)

    def _is_in(self, path: Path) -> bool:
        try:
            found = Connection.read(path)
        except WireError:
            return False
        return (found.pid, found.created, found.server_key) == (self.pid, self.created, self.server_key)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Connection:
        """What the file at `path` says.

        Raises:
            WireError: if there is no such file, it cannot be read, or others could have written it.
        """
        try:
            return cls(**json.loads(_read_private(Path(path))))
        except FileNotFoundError:
            raise WireError(f"Nothing listens under `{Path(path).name}`: it ended or never began.") from None
        except WireError:
            raise
        except (OSError, ValueError, TypeError) as error:
            raise WireError(f"The connection file `{path}` cannot be read: {error}.") from error

    @classmethod
    def find(cls, kind: str) -> list[Connection]:
        """Everything of this kind that lives on this machine, oldest first; files of the dead are removed.

        What is not this user's, or others may read, is passed over.
        """
        found = []
        _remove_drafts()
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
                connection.remove()
        return sorted(found, key=lambda connection: connection.created)


def _read_private(path: Path) -> str:
    """The text of a file that this user alone can read and write.

    Raises:
        WireError: if it is another user's, or others may read it: whoever wrote it would be talked to.
    """
    with open(path, opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NOFOLLOW", 0))) as file:
        state = os.fstat(file.fileno())
        if hasattr(os, "getuid"):
            if state.st_uid != os.getuid():
                raise WireError(f"The connection file `{path}` belongs to another user; it is not used.")
            if stat.S_IMODE(state.st_mode) & 0o077:
                raise WireError(
                    f"The connection file `{path}` may be read by others (its mode is "
                    f"{stat.S_IMODE(state.st_mode):03o}, expected 600); it is not used."
                )
        return file.read()


def _remove_drafts() -> None:
    """Take away what lies there of processes that were killed as they wrote."""
    for draft in runtime_path().glob("*.tmp"):
        with suppress(OSError):
            if time.time() - draft.stat().st_mtime > DRAFT:
                draft.unlink()
