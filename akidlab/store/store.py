"""The Store: a folder of runs, one SQLite database with many readers and one writer per run."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
import uuid
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from akidlab import config as where
from akidlab.errors import StoreError, unknown
from akidlab.store import schema
from akidlab.store.batch import to_json
from akidlab.store.liveness import Writer
from akidlab.store.run import Run
from akidlab.store.runs import Runs


class Store:
    """A folder of runs.

    Args:
        path: the folder, `AKID_RUNS` or `akid_runs` here if left out; made when the first run is.

    Example:
        >>> run = Store().create("digits")
        >>> Store().run("digits") == run
        True
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = Path(path).absolute() if path is not None else where.runs_path()
        self._lock = threading.RLock()
        self._open: list[sqlite3.Connection] = []  # one, or none
        self._of: tuple[int, ...] = ()
        weakref.finalize(self, _close, self._open)

    def create(
        self,
        name: str = "run",
        *,
        uid: str | None = None,
        config: Mapping[str, object] | None = None,
        parent: str | None = None,
        status: str = "preparing",
        max_steps: int | None = None,
        world_size: int = 1,
    ) -> Run:
        """A new run; where `name` is taken it becomes `name-2`, `name-3`, ...

        Args:
            name: its name, also of its folder.
            uid: what it is known by everywhere, made up if left out.
            config: what it is made with, plain values.
            parent: the uid of the run that it is branched from.
            status: what it does now.
            max_steps: how many steps there will be.
            world_size: the number of ranks.

        Raises:
            StoreError: if the folder cannot be written, or `name` cannot be a folder's.
        """
        _check_name(name)
        now, here = time.time(), Writer.here()
        row = {
            "uid": uid or uuid.uuid4().hex,
            "parent": parent,
            "status": status,
            "config": to_json(dict(config or {})),
            "max_steps": max_steps,
            "world_size": world_size,
            "created": now,
            "heartbeat": now,
            "pid": here.pid,
            "pid_started": here.pid_started,
            "host": here.host,
            "machine": here.machine,
        }
        with self.writing() as db:
            row["name"] = self._free_name(db, name)
            marks = ", ".join("?" * len(row))
            id = db.execute(
                f"INSERT INTO runs ({', '.join(row)}) VALUES ({marks})", (*row.values(),)
            ).lastrowid
        assert id is not None
        return Run(self, id, str(row["uid"]))

    def run(self, name: str) -> Run:
        """The run of this name or uid.

        Raises:
            UnknownNameError: if there is none.
        """
        with self.reading() as db:
            found = db and db.execute("SELECT id, uid FROM runs WHERE ? IN (name, uid)", (name,)).fetchone()
        if not found:
            raise unknown("run", name, [run.name for run in self.runs()])
        return Run(self, *found)

    def runs(self) -> Runs:
        """All runs, the newest first."""
        with self.reading() as db:
            rows = db.execute("SELECT id, uid FROM runs ORDER BY id DESC").fetchall() if db else []
        return Runs([Run(self, *row) for row in rows], self)

    def delete(self, name: str) -> None:
        """Take a run and its folder away.

        Raises:
            UnknownNameError: if there is no such run.
            StoreError: if it is live.
        """
        run = self.run(name)
        now = run.look()
        if now.is_live:
            raise StoreError(f"The run `{now.name}` is {now.status} (process {now.pid}). Stop it first.")
        with self.writing() as db:
            for of_it in schema.OF_A_RUN:
                db.execute(f"DELETE FROM {of_it} WHERE run = ?", (run.id,))
            db.execute("DELETE FROM runs WHERE id = ?", (run.id,))
        shutil.rmtree(self.path / now.name, ignore_errors=True)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """The database as it is at this moment, None if there is none; only for this package."""
        with self._lock:
            db = self._connection()
            if db is None or db.in_transaction:
                yield db
                return
            try:
                db.execute("BEGIN")
                yield db
            except sqlite3.Error as error:
                raise StoreError(f"The store `{self.path}` cannot be read: {error}.") from error
            finally:
                if db.in_transaction:
                    db.rollback()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that writes; only for this package.

        Raises:
            StoreError: if the store cannot be written.
        """
        with self._lock:
            if self._connection() is None:
                schema.connect(self.path).close()  # makes it, or says why it cannot
            db = self._connection()
            if db is None:
                raise StoreError(f"The store `{self.path}` was deleted while it was written.")
            try:
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            except sqlite3.Error as error:
                raise StoreError(
                    f"The store `{self.path}` cannot be written: {error}. {schema.REMEDY}"
                ) from error
            finally:
                if db.in_transaction:
                    db.rollback()

    def close(self) -> None:
        """Close the database; it is opened again when needed."""
        with self._lock:
            _close(self._open)
            self._of = ()

    def _connection(self) -> sqlite3.Connection | None:
        """One connection, of this process and to the file that is there now (the folder may be deleted)."""
        try:
            found = os.stat(self.path / schema.FILE)
        except OSError:
            self.close()
            return None
        key = (os.getpid(), found.st_dev, found.st_ino, found.st_mode)
        if key != self._of:
            if self._of and self._of[0] != os.getpid():
                _inherited.extend(self._open)  # to close the connection of one's parent would break its locks
                self._open.clear()
            self.close()
            db = schema.connect_to_read(self.path)
            self._open += [db] if db else []
            self._of = key
        return self._open[0] if self._open else None

    def _free_name(self, db: sqlite3.Connection, name: str) -> str:
        taken = {found for (found,) in db.execute("SELECT name FROM runs")}
        number, free = 2, name
        while free in taken or (self.path / free).exists():
            number, free = number + 1, f"{name}-{number}"
        return free

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r}: {len(self.runs())} runs)"


def runs(path: str | Path | None = None) -> Runs:
    """All runs of a store, the newest first; of the one here if `path` is left out.

    Example:
        >>> run = Store().create("digits")
        >>> [run.name for run in runs()]
        ['digits']
    """
    return Store(path).runs()


_inherited: list[sqlite3.Connection] = []


def _close(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


def _check_name(name: str) -> None:
    bad = set(name) & set('/\\:*?"<>|\0') or not name.isprintable()
    if bad or not name.strip() or name.startswith((".", "-")) or len(name) > 100 or name == schema.FILE:
        raise StoreError(
            f"A run cannot be called `{name}`: its folder has that name too. Use up to 100 letters, digits,"
            " spaces, `-`, `_` and `.`, and begin with a letter or a digit."
        )
