"""What the handlers ask: live runs over the wire, histories from the store that a run's file names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from akidlab.config import runtime_path
from akidlab.errors import WireError
from akidlab.messages import Command
from akidlab.store import Run, Store
from akidlab.widgets import description
from akidlab.widgets.description import Plain
from akidlab.widgets.questions import answer
from akidlab.wire import Connection, send_command


class NotLiveError(WireError):
    """No live run has this uid."""


class Runs:
    """Reaches the runs that live, or lived while this server was there."""

    def __init__(self) -> None:
        self._stores: dict[str, str] = {}

    def send(self, uid: str, command: Command) -> Plain:
        """Give `command` to the live run `uid`.

        Raises:
            NotLiveError: if it is not live.
            WireError: if it does not answer.
        """
        if not _find(uid).is_live:
            raise NotLiveError(f"The run {uid} is not live: the process that held it is gone.")
        return send_command(uid, command)

    def history(self, uid: str) -> Plain:
        """All that is known of the run `uid`."""
        with self._run(uid) as run:
            return description.history(run)

    def answer(self, uid: str, question: str, asked: object) -> Plain:
        """What is asked of the run `uid`; see `akidlab.widgets.questions`.

        Raises:
            ValueError: if what is asked makes no sense.
        """
        with self._run(uid) as run:
            return answer(run, question, asked).plain

    def live(self) -> list[Plain]:
        """The live runs of this user on this machine."""
        return [
            {"uid": found.uid, "created": found.created, "pid": found.pid, "name": found.info.get("name")}
            for found in Connection.find("run")
        ]

    @contextmanager
    def _run(self, uid: str) -> Iterator[Run]:
        if uid not in self._stores:
            self._stores[uid] = str(_find(uid).info["store"])
        store = Store(self._stores[uid])
        try:
            yield store.run(uid)
        finally:
            store.close()


def _find(uid: str) -> Connection:
    path = runtime_path() / f"run-{uid}.json"
    if not path.exists():
        raise NotLiveError(f"No live run has the uid {uid}.")
    return Connection.read(path)
