"""A Batch: what a recorder has heard and not yet written."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from numbers import Real
from typing import Any

import numpy as np

from akidlab.errors import DataError
from akidlab.messages import PERCENTS, Event, Log, Message, Percentiles, Picture, Samples, Status
from akidlab.messages.topics import RANKS
from akidlab.store import pictures, pieces, pyramid
from akidlab.store.liveness import LIVE

_COLUMNS = {"step", "epoch", "max_steps", "world_size", "samples_per_second", "error"}

Sample = tuple[int, "float | None", float]  # step, value (None for NaN), time
Taken = tuple[str, int, float, Picture]  # tag, step, time
Observed = tuple[int, float, Percentiles]  # step, time


@dataclass
class Batch:
    """Rows that wait to be written; two are merged by `take`."""

    scalars: dict[str, list[Sample]] = field(default_factory=dict)
    observed: list[Observed] = field(default_factory=list)
    pictures: list[Taken] = field(default_factory=list)
    events: list[tuple[int, float, str, str]] = field(default_factory=list)
    logs: list[tuple[int, float, int, str, str]] = field(default_factory=list)
    row: dict[str, object] = field(default_factory=dict)
    info: dict[str, object] = field(default_factory=dict)
    changes: list[tuple[str, float]] = field(default_factory=list)

    def __len__(self) -> int:
        observed = sum(len(found.tags) for _, _, found in self.observed)
        return sum(map(len, self.scalars.values())) + observed + sum(map(len, self._lists))

    @property
    def _lists(self) -> tuple[list[Any], ...]:
        return self.pictures, self.events, self.logs

    def __bool__(self) -> bool:
        heard = self.scalars or self.observed or any(self._lists)
        return bool(heard or self.row or self.info or self.changes)

    def hear(self, message: Message) -> None:
        """Take what `message` says; what is not a payload (a tensor, say) is none of the store's business."""
        data = message.data
        tag = message.topic if message.key is None else f"{message.topic}/{message.key}"
        if isinstance(data, Samples):
            columns = map(int, data.steps), map(_number, data.values), map(float, data.times)
            rows = list(zip(*columns, strict=True))
            if rows:
                self.scalars.setdefault(tag, []).extend(rows)
                if message.topic != RANKS:  # which lags behind, and knows no epoch
                    self._advance(rows[-1][0], message.epoch)
        elif isinstance(data, Real):
            self.scalars.setdefault(tag, []).append((message.step, _number(data), message.time))
            self._advance(message.step, message.epoch)
        elif isinstance(data, Percentiles):
            _check(data)
            self.observed.append((message.step, message.time, data))
            self._advance(message.step, message.epoch)
        elif isinstance(data, Picture):
            pictures.check(data)
            self.pictures.append((tag, message.step, message.time, data))
            self.info[message.topic] = True  # who looks at the run knows that there are some
        elif isinstance(data, Event):
            self.events.append((message.step, message.time, data.kind, to_json(dict(data.data))))
        elif isinstance(data, Log):
            text = data.text.encode(errors="replace").decode()  # lone surrogates cannot be stored
            self.logs.append((message.step, message.time, data.rank, data.level, text))
        elif isinstance(data, Status):
            self._hear_status(data, message.time)

    def _advance(self, *now: int) -> None:
        for name, found in zip(("step", "epoch"), now, strict=True):
            self.row[name] = max(found, int(self.row.get(name, 0)))  # type: ignore[call-overload]

    def _hear_status(self, status: Status, when: float) -> None:
        if status.status is not None:
            self.changes.append((status.status, when))
        for name, value in status.data.items():
            (self.row if name in _COLUMNS else self.info)[name] = _plain(value)

    def take(self, later: Batch) -> None:
        """Put `later` behind what is here."""
        for tag, rows in later.scalars.items():
            self.scalars.setdefault(tag, []).extend(rows)
        self.observed += later.observed
        self.pictures += later.pictures
        self.events += later.events
        self.logs += later.logs
        self.row.update(later.row)
        self.info.update(later.info)
        self.changes += later.changes

    def shed(self, limit: int) -> int:
        """Drop the oldest rows of every kind, in proportion, until about `limit` are left; how many went."""
        total = len(self)
        if total <= limit:
            return 0
        for rows in (*self.scalars.values(), self.observed, *self._lists):
            del rows[: len(rows) - len(rows) * limit // total]
        return total - len(self)

    def write(self, db: sqlite3.Connection, run: int) -> None:
        """Write everything within the transaction that the caller has begun."""
        for tag, rows in self.scalars.items():
            if rows:
                write_scalars(db, run, tag, rows)
        for tag, rows in _by_tag(self.observed).items():
            pieces.write(db, run, tag, rows)
        pictures.write(db, run, self.pictures)
        db.executemany(
            f"INSERT INTO events (run, step, time, kind, data) VALUES ({run}, ?, ?, ?, ?)", self.events
        )
        db.executemany(
            f"INSERT INTO logs (run, step, time, rank, level, text) VALUES ({run}, ?, ?, ?, ?, ?)", self.logs
        )
        row = {**self.row, **_sittings(db, run, self.changes), "heartbeat": time.time()}
        if self.info:
            known = json.loads(db.execute("SELECT info FROM runs WHERE id = ?", (run,)).fetchone()[0])
            row["info"] = to_json({**known, **self.info})
        names = ", ".join(f"{name} = ?" for name in row)
        db.execute(f"UPDATE runs SET {names} WHERE id = ?", (*row.values(), run))


def write_scalars(db: sqlite3.Connection, run: int, name: str, rows: list[Sample]) -> None:
    """Write samples of one scalar; a step that is there already is overwritten."""
    tag, last = _tag(db, run, name)
    in_order = _ascending(rows) and (last is None or rows[0][0] > last)
    db.executemany(f"INSERT OR REPLACE INTO scalars VALUES ({run}, {tag}, ?, ?, ?)", rows)
    if in_order:
        step, value, when = rows[-1]
        db.execute(
            "UPDATE tags SET count = count + ?, last_step = ?, last_value = ?, last_time = ? WHERE id = ?",
            (len(rows), step, value, when, tag),
        )
    else:
        count_again(db, run, tag, min(row[0] for row in rows))
    pyramid.grow(db, run, tag)


def count_again(db: sqlite3.Connection, run: int, tag: int, changed: int) -> None:
    """Make the tag agree with its scalars after those from step `changed` on were changed."""
    pyramid.cut(db, run, tag, changed)
    key = (run, tag)
    count = db.execute("SELECT count(*) FROM scalars WHERE run = ? AND tag = ?", key).fetchone()[0]
    last = db.execute(
        "SELECT step, value, time FROM scalars WHERE run = ? AND tag = ? ORDER BY step DESC LIMIT 1", key
    ).fetchone()
    db.execute(
        "UPDATE tags SET count = ?, last_step = ?, last_value = ?, last_time = ?, rewrites = rewrites + 1"
        " WHERE id = ?",
        (count, *(last or (None, None, None)), tag),
    )


def _check(found: Percentiles) -> None:
    """Refuse what could not be written, where it can still be told what it was."""
    expected = (len(found.tags), len(PERCENTS))
    if np.shape(found.values) != expected or np.shape(found.counts) != expected[:1]:
        raise DataError(
            f"percentiles of {expected[0]} tensors are {expected} values and {expected[0]} counts, found"
            f" {np.shape(found.values)} and {np.shape(found.counts)}."
        )


def _by_tag(observed: list[Observed]) -> dict[str, np.ndarray]:
    """What was observed of each tag; all of those that were observed together at once, for there are many."""
    parts: dict[str, list[np.ndarray]] = {}
    for tags, group in groupby(observed, lambda found: tuple(found[2].tags)):
        steps, times, found = zip(*group, strict=True)
        rows = np.empty((len(tags), len(steps)), pieces.ROW)
        rows["step"], rows["time"] = steps, times
        rows["count"] = np.stack([one.counts for one in found], axis=1)
        rows["values"] = np.stack([one.values for one in found], axis=1)
        for tag, of_it in zip(tags, rows, strict=True):
            parts.setdefault(tag, []).append(of_it)
    return {tag: np.concatenate(rows) for tag, rows in parts.items()}


def to_json(value: object) -> str:
    """JSON of plain values and numpy numbers; what else there is becomes its text."""
    return json.dumps(value, default=lambda found: found.item() if hasattr(found, "item") else str(found))


def _tag(db: sqlite3.Connection, run: int, name: str) -> tuple[int, int | None]:
    query = "SELECT id, last_step FROM tags WHERE run = ? AND name = ?"
    found = db.execute(query, (run, name)).fetchone()
    if found is None:
        db.execute("INSERT INTO tags (run, name) VALUES (?, ?)", (run, name))
        found = db.execute(query, (run, name)).fetchone()
    return found


def _sittings(db: sqlite3.Connection, run: int, changes: Sequence[tuple[str, float]]) -> dict[str, object]:
    """What changes of status make of the row of a run; in a pause its time stands still."""
    if not changes:
        return {}
    query = "SELECT started, sat_down, seconds_before FROM runs WHERE id = ?"
    started, sat_down, before = db.execute(query, (run,)).fetchone()
    for status, when in changes:
        if status == "running":
            started, sat_down = started or when, sat_down or when
        elif status == "paused" and sat_down is not None:
            sat_down, before = None, before + max(0.0, when - sat_down)
    status, when = changes[-1]
    ended = None if status in LIVE else when
    return {
        "status": status,
        "ended": ended,
        "started": started,
        "sat_down": sat_down,
        "seconds_before": before,
    }


def _ascending(rows: list[Sample]) -> bool:
    return all(one[0] < next_[0] for one, next_ in pairwise(rows))


def _number(value: object) -> float | None:
    number = float(value)  # type: ignore[arg-type]
    return None if number != number else number


def _plain(value: object) -> object:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return value.item() if hasattr(value, "item") else value  # type: ignore[attr-defined]
