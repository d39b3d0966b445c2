"""A Pulse: one quick look at a run, and the entries that are read when it tells of new ones."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Any

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
        tags: what its scalars have come to.
        event: the id of the newest event, 0 if there is none.
        log: the id of the newest log line, 0 if there is none.
        distributions: what its distributions have come to.
    """

    now: Snapshot
    tags: dict[str, Tag]
    event: int
    log: int
    distributions: dict[str, Tag] = field(default_factory=dict)


def take(db: sqlite3.Connection, now: Snapshot) -> Pulse:
    """What the store knows of the run `now`."""
    event, log = db.execute(
        "SELECT (SELECT max(id) FROM events WHERE run = ?1), (SELECT max(id) FROM logs WHERE run = ?1)",
        (now.id,),
    ).fetchone()
    observed = _known(db, "distributions", now.id) if schema.has_distributions(db) else {}
    return Pulse(now, _known(db, "tags", now.id), event or 0, log or 0, observed)


def _known(db: sqlite3.Connection, table: str, run: int) -> dict[str, Tag]:
    query = f"SELECT name, count, last_step, last_value, rewrites FROM {table} WHERE run = ? ORDER BY id"
    return {
        name: Tag(name, count, step, _value(value), rewrites)
        for name, count, step, value, rewrites in db.execute(query, (run,))
    }


def _value(found: float | None) -> float:
    return float("nan") if found is None else found
