"""The schema of the store, and how its one database file is opened."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from akidlab.errors import StoreError
from akidlab.store.filesystem import has_shared_memory

VERSION = 3
FILE = "runs.sqlite"
BUSY_SECONDS = 5.0

# A NaN is stored as NULL (SQLite has no NaN); infinities are stored as they are.
# `pyramid` holds, for each level, the points at which a bin of steps is lowest and highest (see pyramid.py).
# `pieces` holds what was observed of distributions, many steps in a row (see pieces.py).
TABLES = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, parent TEXT,
    status TEXT NOT NULL, error TEXT, config TEXT NOT NULL DEFAULT '{}', info TEXT NOT NULL DEFAULT '{}',
    step INTEGER NOT NULL DEFAULT 0, epoch INTEGER NOT NULL DEFAULT 0, max_steps INTEGER,
    world_size INTEGER NOT NULL DEFAULT 1, samples_per_second REAL,
    created REAL NOT NULL, started REAL, sat_down REAL, ended REAL, seconds_before REAL NOT NULL DEFAULT 0,
    heartbeat REAL NOT NULL, pid INTEGER NOT NULL, pid_started REAL, host TEXT NOT NULL, machine TEXT NOT NULL
);
CREATE TABLE tags (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL DEFAULT 0,
    last_step INTEGER, last_value REAL, last_time REAL, rewrites INTEGER NOT NULL DEFAULT 0, width INTEGER,
    UNIQUE (run, name)
);
CREATE TABLE scalars (
    run INTEGER NOT NULL, tag INTEGER NOT NULL, step INTEGER NOT NULL, value REAL, time REAL NOT NULL,
    PRIMARY KEY (run, tag, step)
) WITHOUT ROWID;
CREATE TABLE levels (
    run INTEGER NOT NULL, tag INTEGER NOT NULL, level INTEGER NOT NULL,
    covered INTEGER NOT NULL, points INTEGER NOT NULL,
    PRIMARY KEY (run, tag, level)
) WITHOUT ROWID;
CREATE TABLE pyramid (
    run INTEGER NOT NULL, tag INTEGER NOT NULL, level INTEGER NOT NULL, step INTEGER NOT NULL,
    value REAL, time REAL NOT NULL,
    PRIMARY KEY (run, tag, level, step)
) WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, step INTEGER NOT NULL, time REAL NOT NULL,
    kind TEXT NOT NULL, data TEXT NOT NULL
);
CREATE INDEX events_of_run ON events (run, id);
CREATE TABLE logs (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, step INTEGER NOT NULL, time REAL NOT NULL,
    rank INTEGER NOT NULL, level TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX logs_of_run ON logs (run, id);
"""
DISTRIBUTIONS = """
CREATE TABLE distributions (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL DEFAULT 0,
    last_step INTEGER, last_value REAL, rewrites INTEGER NOT NULL DEFAULT 0,
    UNIQUE (run, name)
);
CREATE TABLE pieces (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, tag INTEGER NOT NULL, level INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, points INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE INDEX pieces_of_run ON pieces (run, tag, level, first, last, points);
"""
IMAGES = """
CREATE TABLE images (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, name TEXT NOT NULL, step INTEGER NOT NULL,
    time REAL NOT NULL, format TEXT NOT NULL, data BLOB NOT NULL,
    UNIQUE (run, name, step)
);
"""
UPGRADES = {  # what makes a database of this version one of the next
    0: TABLES,
    1: f"DROP TABLE IF EXISTS distributions;{DISTRIBUTIONS}",  # there was one that nobody wrote
    2: f"DROP TABLE IF EXISTS images;{IMAGES}",  # there was one that nobody wrote
}
OF_A_RUN = ("scalars", "pyramid", "levels", "tags", "pieces", "distributions", "images", "events", "logs")


def connect(folder: Path) -> sqlite3.Connection:
    """Open the database in `folder` for reading and writing, made if it is not there yet.

    Raises:
        StoreError: if the folder cannot be made or written, or a newer akidlab wrote the database.
    """
    path = _prepare(folder)

    def make_ready(connection: sqlite3.Connection) -> None:
        _choose_journal(connection, folder)
        _upgrade(connection, path)

    try:
        return _open(path, "mode=rw", make_ready)
    except sqlite3.Error as error:
        raise StoreError(f"The store `{path}` cannot be written: {error}. {REMEDY}") from error


def connect_to_read(folder: Path) -> sqlite3.Connection | None:
    """Open the database in `folder` for looking, None if there is none; a read-only folder is enough."""
    path = folder / FILE
    if not path.exists():
        return None
    if os.access(path, os.W_OK) and os.access(folder, os.W_OK):
        return connect(folder)
    # A log that cannot be opened cannot be read; without one the file alone is complete.
    mode = "mode=ro" if path.with_name(FILE + "-shm").exists() else "immutable=1"
    try:
        return _open(path, mode, lambda connection: _check_version(connection, path))
    except sqlite3.Error as error:
        raise StoreError(f"The store `{path}` cannot be read: {error}.") from error


REMEDY = "Free some space or make the folder writable, or set AKID_RUNS to another folder."


def _prepare(folder: Path) -> Path:
    path = folder / FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():  # a file that is there is never opened: its close would drop SQLite's locks
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        if not (os.access(path, os.W_OK) and os.access(folder, os.W_OK)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise StoreError(
            f"The folder of runs `{folder}` cannot be written: {error.strerror or error}. {REMEDY}"
        ) from error
    return path


def _open(path: Path, mode: str, make_ready: Callable[[sqlite3.Connection], object]) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?{mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        make_ready(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _choose_journal(connection: sqlite3.Connection, folder: Path) -> None:
    wanted = "wal" if has_shared_memory(folder) else "truncate"
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:  # SQLite does not wait for its busy time here
            connection.execute(f"PRAGMA journal_mode = {wanted}")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _upgrade(connection: sqlite3.Connection, path: Path) -> None:
    if _check_version(connection, path) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _check_version(connection, path)  # another process may have been quicker
        for version in range(found, VERSION):
            for statement in UPGRADES[version].split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def has_distributions(connection: sqlite3.Connection) -> bool:
    """False for an old database in a folder that only another may write, where it cannot be upgraded."""
    return connection.execute("PRAGMA user_version").fetchone()[0] >= 2


def has_images(connection: sqlite3.Connection) -> bool:
    """False for an old database in a folder that only another may write, where it cannot be upgraded."""
    return connection.execute("PRAGMA user_version").fetchone()[0] >= 3


def _check_version(connection: sqlite3.Connection, path: Path) -> int:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise StoreError(
            f"The store `{path}` was written by a newer akidlab: it has schema {found}, this one reads up to "
            f"{VERSION}. Upgrade akidlab (pip install -U akidlab), or set AKID_RUNS to another folder."
        )
    return found
