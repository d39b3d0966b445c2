"""Pieces: what was observed of a distribution, many steps in one row of the database.

Level 0 holds every observation. When the last piece of a level has grown to `FULL` observations, the next
level is given those of them that show how far the distribution reached: of each few, the one with the lowest
minimum and the one with the highest maximum (and the first that is not a number). So all levels hold real
observations only, and what is drawn from them has exactly the extremes of the whole run. `first` and `last`
are the steps that a piece speaks for; what lies above those of a level is read from the level under it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

FULL = 64  # 60 bytes each: about a page of the database
BIN = 16  # so many become two, or three, of the next level
ROW = np.dtype([("step", "<i8"), ("time", "<f8"), ("count", "<i8"), ("values", "<f4", 9)])


@dataclass(frozen=True, slots=True)
class Level:
    """One level of one distribution."""

    run: int
    tag: int
    number: int = 0

    @property
    def key(self) -> tuple[int, int, int]:
        """What its pieces carry."""
        return self.run, self.tag, self.number

    @property
    def above(self) -> Level:
        """The next level, which says less."""
        return Level(self.run, self.tag, self.number + 1)


def write(db: sqlite3.Connection, run: int, name: str, rows: np.ndarray) -> None:
    """Write observations (of type `ROW`) of one distribution; a step that is there already is overwritten."""
    tag, last = _tag(db, run, name)
    rows, level = _in_order(rows), Level(run, tag)
    if last is not None and rows["step"][0] <= last:
        rows = _in_order(np.concatenate([_take(db, level, int(rows["step"][0])), rows]))
        _append(db, level, rows)
        _count_again(db, level)
        return
    _append(db, level, rows)
    db.execute(
        "UPDATE distributions SET count = count + ?, last_step = ?, last_value = ? WHERE id = ?",
        (len(rows), *_newest(rows), tag),
    )


def cut(db: sqlite3.Connection, run: int, step: int) -> None:
    """Take back what all distributions of a run say about `step` and later ones."""
    late = "SELECT id FROM distributions WHERE run = ? AND last_step >= ?"
    for (tag,) in db.execute(late, (run, step)).fetchall():
        rows = _take(db, Level(run, tag), step)
        _append(db, Level(run, tag), rows[rows["step"] < step])
        _count_again(db, Level(run, tag))


def read(db: sqlite3.Connection, run: int, tag: int, budget: int, first: int, last: int) -> np.ndarray:
    """The observations of `first` to `last` from the finest level that has at most about `budget` there."""
    levels = [Level(run, tag)]
    while _points(db, levels[-1], first, last) > budget and _end(db, levels[-1].above) is not None:
        levels.append(levels[-1].above)
    parts = []
    for level in reversed(levels):
        rows = _load(data for _, data in _pieces(db, level, first, last))
        parts.append(rows[(rows["step"] >= first) & (rows["step"] <= last)])
        end = _end(db, level)
        first = first if end is None else max(first, end + 1)
    return np.concatenate(parts)


def far_out(values: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """The places of the lowest minimum, the highest maximum and the first NaN in each of the `bins`."""
    odd = np.isnan(values).any(axis=1)
    numbers, found = np.flatnonzero(~odd), [_first_of_each(np.flatnonzero(odd), bins)]
    for ends in (values[:, 0], -values[:, -1]):
        found.append(_first_of_each(numbers[np.argsort(ends[numbers], kind="stable")], bins))
    return np.unique(np.concatenate(found))


def _first_of_each(places: np.ndarray, bins: np.ndarray) -> np.ndarray:
    return places[np.unique(bins[places], return_index=True)[1]]


def _append(
    db: sqlite3.Connection, level: Level, rows: np.ndarray, span: tuple[int, int] | None = None
) -> None:
    """Put rows behind the others of a level; they speak for the steps of `span`."""
    if not len(rows):
        return
    first, last = span or (int(rows["step"][0]), int(rows["step"][-1]))
    newest = db.execute(
        "SELECT id, first, points, data FROM pieces WHERE run = ? AND tag = ? AND level = ?"
        " ORDER BY first DESC LIMIT 1",
        level.key,
    ).fetchone()
    if newest and newest[2] < FULL:
        first, rows = newest[1], np.concatenate([_load([newest[3]]), rows])
        db.execute(
            "UPDATE pieces SET last = ?, points = ?, data = ? WHERE id = ?",
            (last, len(rows), rows.tobytes(), newest[0]),
        )
    else:
        db.execute(
            "INSERT INTO pieces (run, tag, level, first, last, points, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*level.key, first, last, len(rows), rows.tobytes()),
        )
    if len(rows) >= FULL:
        kept = far_out(rows["values"], np.arange(len(rows)) // BIN)
        kept = np.union1d(kept, [0, len(rows) - 1])  # whoever thins keeps the first and the last
        _append(db, level.above, rows[kept], (first, last))


def _take(db: sqlite3.Connection, level: Level, step: int) -> np.ndarray:
    """Take the pieces that reach to `step` or beyond out of a level, and out of the levels above."""
    found = _pieces(db, level, step, 2**62)
    if not found:
        return np.empty(0, ROW)
    begin = min(step, found[0][0])  # between two pieces there may be steps that nothing speaks for
    db.execute("DELETE FROM pieces WHERE run = ? AND tag = ? AND level = ? AND last >= ?", (*level.key, step))
    above = _pieces(db, level.above, begin, 2**62)
    rows = _take(db, level.above, begin)
    if above:
        _append(db, level.above, rows[rows["step"] < begin], (above[0][0], begin - 1))
    return _load(data for _, data in found)


def _pieces(db: sqlite3.Connection, level: Level, first: int, last: int) -> list[tuple[int, bytes]]:
    """The first step and the data of each piece that speaks for some of the steps."""
    return db.execute(
        "SELECT first, data FROM pieces WHERE run = ? AND tag = ? AND level = ? AND first <= ? AND last >= ?"
        " ORDER BY first",
        (*level.key, last, first),
    ).fetchall()


def _points(db: sqlite3.Connection, level: Level, first: int, last: int) -> int:
    query = (
        "SELECT sum(points) FROM pieces WHERE run = ? AND tag = ? AND level = ? AND first <= ? AND last >= ?"
    )
    return db.execute(query, (*level.key, last, first)).fetchone()[0] or 0


def _end(db: sqlite3.Connection, level: Level) -> int | None:
    query = "SELECT last FROM pieces WHERE run = ? AND tag = ? AND level = ? ORDER BY first DESC LIMIT 1"
    found = db.execute(query, level.key).fetchone()
    return found and found[0]


def _load(pieces: Iterable[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(pieces), ROW)


def _in_order(rows: np.ndarray) -> np.ndarray:
    """By their steps; of two of one step the later."""
    steps = rows["step"]
    if np.all(steps[1:] > steps[:-1]):
        return rows
    return rows[::-1][np.unique(steps[::-1], return_index=True)[1]]


def _newest(rows: np.ndarray) -> tuple[int, float]:
    return int(rows["step"][-1]), float(rows["values"][-1, 4])


def _tag(db: sqlite3.Connection, run: int, name: str) -> tuple[int, int | None]:
    query = "SELECT id, last_step FROM distributions WHERE run = ? AND name = ?"
    found = db.execute(query, (run, name)).fetchone()
    if found is None:
        db.execute("INSERT INTO distributions (run, name) VALUES (?, ?)", (run, name))
        found = db.execute(query, (run, name)).fetchone()
    return found


def _count_again(db: sqlite3.Connection, level: Level) -> None:
    """Make the distribution agree with its pieces after some were changed."""
    end = _end(db, level)
    newest = (None, None) if end is None else _newest(_load([_pieces(db, level, end, end)[-1][1]]))
    db.execute(
        "UPDATE distributions SET count = ?, last_step = ?, last_value = ?, rewrites = rewrites + 1"
        " WHERE id = ?",
        (_points(db, level, -(2**62), 2**62), *newest, level.tag),
    )
