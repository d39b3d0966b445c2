"""The pyramid: summaries of long series, so that 10^6 steps open as quickly as 10^3.

Level 1 cuts the steps into bins of `width` steps and keeps, of each bin, the samples with the lowest and the
highest value (and the first that is not a number); each further level does so with bins four times as wide.
So a level holds real samples only, and what is drawn from it has exactly the extremes of the whole series. A
level covers the steps below its `covered`; what lies above is read from the level under it, down to the
scalars.
"""

from __future__ import annotations

import sqlite3

FANOUT = 4
BINS = 128  # a level is brought up to date when so many of its bins are complete


def grow(db: sqlite3.Connection, run: int, tag: int) -> None:
    """Bring the levels of one series up to date; cheap when there is little to do."""
    count, last, width = db.execute(
        "SELECT count, last_step, width FROM tags WHERE id = ?", (tag,)
    ).fetchone()
    if count < 8 * BINS:
        return
    if width is None:
        width = _first_width(db, run, tag)
    covered = _levels(db, run, tag)
    end, level = last + 1, 1  # every step below `end` is there
    while True:
        begin = covered[level][0] if level in covered else 0
        top = end // width * width
        if top - begin < BINS * width:
            return
        _summarise(db, run, tag, level, begin, top, width)
        end, level, width = top, level + 1, width * FANOUT


def cut(db: sqlite3.Connection, run: int, tag: int, step: int) -> None:
    """Take back what the levels say about `step` and later ones: their scalars have changed."""
    width = db.execute("SELECT width FROM tags WHERE id = ?", (tag,)).fetchone()[0]
    for level, (covered, _) in sorted(_levels(db, run, tag).items()):
        below = min(covered, step // width * width)
        key = (run, tag, level)
        gone = db.execute(
            "DELETE FROM pyramid WHERE run = ? AND tag = ? AND level = ? AND step >= ?", (*key, below)
        ).rowcount
        db.execute(
            "UPDATE levels SET covered = ?, points = points - ? WHERE run = ? AND tag = ? AND level = ?",
            (below, gone, *key),
        )
        width *= FANOUT


def read(
    db: sqlite3.Connection, run: int, tag: int, budget: int, first: int, last: int
) -> list[tuple[int, float | None, float]]:
    """The samples of `first` to `last` from the finest level that has at most about `budget` there."""
    levels = _levels(db, run, tag)
    level = 0
    while (level == 0 or level in levels) and _is_long(db, run, tag, level, budget, first, last):
        level += 1
    level = min(level, max(levels, default=0))
    rows: list[tuple[int, float | None, float]] = []
    while level:
        covered = levels[level][0]
        rows += db.execute(
            "SELECT step, value, time FROM pyramid"
            " WHERE run = ? AND tag = ? AND level = ? AND step BETWEEN ? AND ? ORDER BY step",
            (run, tag, level, first, min(last, covered - 1)),
        )
        first, level = max(first, covered), level - 1
    rows += db.execute(
        "SELECT step, value, time FROM scalars"
        " WHERE run = ? AND tag = ? AND step BETWEEN ? AND ? ORDER BY step",
        (run, tag, first, last),
    )
    return rows


def _levels(db: sqlite3.Connection, run: int, tag: int) -> dict[int, tuple[int, int]]:
    found = db.execute("SELECT level, covered, points FROM levels WHERE run = ? AND tag = ?", (run, tag))
    return {level: (covered, points) for level, covered, points in found}


def _is_long(
    db: sqlite3.Connection, run: int, tag: int, level: int, budget: int, first: int, last: int
) -> bool:
    table, key = ("pyramid", "AND level = ?") if level else ("scalars", "")
    query = f"SELECT 1 FROM {table} WHERE run = ? AND tag = ? {key} AND step BETWEEN ? AND ? LIMIT 1 OFFSET ?"
    values = (run, tag, *((level,) if level else ()), first, last, budget)
    return db.execute(query, values).fetchone() is not None


def _first_width(db: sqlite3.Connection, run: int, tag: int) -> int:
    """The width of level 1 such that it has about a quarter of the samples."""
    first, last = db.execute(
        "SELECT min(step), max(step) FROM"
        " (SELECT step FROM scalars WHERE run = ? AND tag = ? ORDER BY step LIMIT ?)",
        (run, tag, 8 * BINS),
    ).fetchone()
    width = 1 << ((last - first) // BINS).bit_length()
    db.execute("UPDATE tags SET width = ? WHERE id = ?", (width, tag))
    return width


def _summarise(
    db: sqlite3.Connection, run: int, tag: int, level: int, begin: int, end: int, width: int
) -> None:
    source = "scalars WHERE" if level == 1 else f"pyramid WHERE level = {level - 1} AND"
    place = f"FROM {source} run = :run AND tag = :tag AND step >= :begin AND step < :end"
    added = 0
    for pick, kind in (("min(value)", "NOT NULL"), ("max(value)", "NOT NULL"), ("value", "NULL")):
        # Beside a lone min() or max(), SQLite takes the other columns from the row where it was found.
        step = "step" if kind == "NOT NULL" else "min(step)"
        added += db.execute(
            "INSERT OR IGNORE INTO pyramid (run, tag, level, step, value, time)"
            f" SELECT :run, :tag, :level, {step}, {pick}, time {place} AND value IS {kind}"
            " GROUP BY step / :width",
            {"run": run, "tag": tag, "level": level, "begin": begin, "end": end, "width": width},
        ).rowcount
    db.execute(
        "INSERT INTO levels (run, tag, level, covered, points) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET covered = excluded.covered, points = points + excluded.points",
        (run, tag, level, end, added),
    )
