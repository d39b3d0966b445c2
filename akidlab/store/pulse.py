"""A Pulse: one quick look at a run, and the entries that are read when it tells of new ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from akidlab.messages.topics import RANKS
from akidlab.store import schema
from akidlab.store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Tag:
    """What is known about one scalar, or one distribution, without reading it.

    Args:
        name: the scalar or the distribution.
        count: how many samples there are.
        step: the step of the newest one.
        value: the newest value; of a distribution the newest median.
        rewrites: rises when samples that had been written were changed (a run was resumed from an earlier
            step): who follows the series by `since` reads it anew then.
    """

    name: str
    count: int
    step: int | None
    value: float
    rewrites: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An event or a log line; `id` rises, so that a reader can ask for what came after it."""

    id: int
    step: int
    time: float


@dataclass(frozen=True, slots=True)
class EventEntry(Entry):
    """Something that happened to a run once."""

    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LogEntry(Entry):
    """A line of text from one rank."""

    rank: int
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Pulse:
    """Everything a widget needs to know whether, and what, to read: one quick look at a run.

    Args:
        now: the row of the run.
        tags: what its scalars have come to, but for what is measured of its ranks.
        event: the id of the newest event, 0 if there is none.
        log: the id of the newest log line, 0 if there is none.
        distributions: what its distributions have come to.
        ranks: what is measured of each rank, `ranks/own_ms/1`.
    """

    now: Snapshot
    tags: dict[str, Tag]
    event: int
    log: int
    distributions: dict[str, Tag] = field(default_factory=dict)
    ranks: dict[str, Tag] = field(default_factory=dict)


def take(db: sqlite3.Connection, now: Snapshot) -> Pulse:
    """What the store knows of the run `now`."""
    event, log = db.execute(
        "SELECT (SELECT max(id) FROM events WHERE run = ?1), (SELECT max(id) FROM logs WHERE run = ?1)",
        (now.id,),
    ).fetchone()
    observed = _known(db, "distributions", now.id) if schema.has_distributions(db) else {}
    known = _known(db, "tags", now.id)
    ranks = {name: known.pop(name) for name in list(known) if name.startswith(f"{RANKS}/")}
    return Pulse(now, known, event or 0, log or 0, observed, ranks)


def lines(
    db: sqlite3.Connection | None,
    run: int,
    between: tuple[int, int],
    rank: int | None,
    levels: Collection[str] | None,
    limit: int | None,
) -> list[LogEntry]:
    """The newest `limit` lines of a run whose ids lie between two, of one rank, of some levels."""
    query = "SELECT id, step, time, rank, level, text FROM logs WHERE run = ? AND id > ? AND id < ?"
    values: list[object] = [run, *between]
    if rank is not None:
        query, values = f"{query} AND rank = ?", [*values, rank]
    if levels is not None:
        query, values = f"{query} AND level IN ({', '.join('?' * len(levels))})", [*values, *levels]
    query = f"{query} ORDER BY id DESC LIMIT ?"
    rows = db.execute(query, (*values, -1 if limit is None else limit)).fetchall() if db else []
    return [LogEntry(*row) for row in reversed(rows)]


def _known(db: sqlite3.Connection, table: str, run: int) -> dict[str, Tag]:
    query = f"SELECT name, count, last_step, last_value, rewrites FROM {table} WHERE run = ? ORDER BY id"
    return {
        name: Tag(name, count, step, _value(value), rewrites)
        for name, count, step, value, rewrites in db.execute(query, (run,))
    }


def _value(found: float | None) -> float:
    return float("nan") if found is None else found
