"""Ancestry: the runs that a run was branched from, and those that were branched from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from akidlab.errors import UnknownNameError

if TYPE_CHECKING:
    from akidlab.store.run import Run
    from akidlab.store.series import Series


class Stretch(NamedTuple):
    """A run on the way to another, and the step at which the next one left it; None for the last one."""

    run: Run
    until: int | None


def branched_at(run: Run) -> int | None:
    """The step at which `run` left its parent."""
    told = run.events("branched")
    return int(told[0].data["step"]) if told else None


def lineage(run: Run) -> list[Stretch]:
    """The way to `run`, the oldest ancestor first."""
    way, seen = [Stretch(run, None)], {run.uid}
    while (step := branched_at(run)) is not None and (uid := run.parent) not in seen and uid is not None:
        try:
            run = run.store.run(uid)
        except UnknownNameError:  # it was deleted
            break
        way.insert(0, Stretch(run, step))
        seen.add(uid)
    return way


def children(run: Run) -> list[Run]:
    """The runs whose parent is `run`, the oldest first."""
    with run.store.reading() as db:
        rows = (
            db.execute("SELECT uid FROM runs WHERE parent = ? ORDER BY id", (run.uid,)).fetchall()
            if db
            else []
        )
    return [run.store.run(uid) for (uid,) in rows]


def scalars(
    run: Run, tag: str, *, points: int | None, since: int | None, within: tuple[int, int] | None
) -> Series:
    """The samples of one scalar on the whole way to `run`; where two runs have a step, the later counts.

    Raises:
        UnknownNameError: if none of them has it.
    """
    from akidlab.store.run import FIRST, LAST

    found: Series | None = None
    low, high = within or (FIRST, LAST)
    for stretch in reversed(lineage(run)):
        end = high if stretch.until is None else min(high, stretch.until)
        try:
            part = _part(stretch.run, tag, points, since=since, within=(low, end))
        except UnknownNameError:
            continue
        found = part if found is None else _joined(part, found)
        high = min(high, int(found.steps[0]) - 1) if len(found) else high  # a later run knows the rest
    if found is None:
        return run.scalars(tag)  # says what there is
    found = replace(found, run=run.name)
    return found if points is None else found.thin(points)


def _part(run: Run, tag: str, points: int | None, **which: Any) -> Series:
    """What one run adds: all of it where that is little, else no more than can be seen."""
    part = run.scalars(tag, points=points, **which)
    if points is not None and part.total > 4 * points:
        return part
    part = run.scalars(tag, **which)
    return replace(part, total=len(part))


def _joined(before: Series, after: Series) -> Series:
    names = ("steps", "values", "times")
    both = {n: np.concatenate([getattr(before, n), getattr(after, n)]) for n in names}
    return replace(after, **both, total=before.total + after.total)
