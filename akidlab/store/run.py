"""A Run: a live view of one run in the store."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from akidlab import checkpoints, registry
from akidlab.checkpoints import Checkpoints
from akidlab.errors import KindError, StoreError, UnknownNameError, unknown
from akidlab.messages import Graph
from akidlab.messages.command import check_note
from akidlab.store import (
    ancestry,
    drawing,
    pictures,
    pieces,
    pulse,
    pyramid,
    schema,
    snapshot,
    table,
    words,
)
from akidlab.store.bands import Bands
from akidlab.store.pictures import Recorded
from akidlab.store.pulse import EventEntry, LogEntry, Pulse
from akidlab.store.series import Series
from akidlab.store.snapshot import Snapshot

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from akidlab.kids import Kid, Moment
    from akidlab.store.ancestry import Stretch
    from akidlab.store.store import Store

FIRST, LAST = -(2**62), 2**62


class Run:
    """A view of one run; whatever it is asked, it looks up.

    Example:
        >>> run = Store().create("digits", max_steps=100)
        >>> run.status, run.step, run.name
        ('preparing', 0, 'digits')
    """

    def __init__(self, store: Store, id: int, uid: str) -> None:
        self.store = store
        self.id = id
        self.uid = uid

    def look(self) -> Snapshot:
        """All columns of the run, of one moment."""
        with self.store.reading() as db:
            found = snapshot.one(db, "id = ? AND uid = ?", self.id, self.uid) if db else None
        if found is None:
            raise StoreError(f"The run `{self.uid}` is no longer in `{self.store.path}`: it was deleted.")
        return found

    @property
    def name(self) -> str:
        """Its name, unique in the store."""
        return self.look().name

    @property
    def status(self) -> str:
        """`preparing`, `running`, `paused`, `finished`, `stopped`, `failed`, or `lost`: its process died."""
        return self.look().standing

    @property
    def is_live(self) -> bool:
        """True while something trains, or waits to."""
        return self.look().is_live

    @property
    def step(self) -> int:
        """Steps done."""
        return self.look().step

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self.look().epoch

    @property
    def max_steps(self) -> int | None:
        """Steps to do, None if nobody said."""
        return self.look().max_steps

    @property
    def world_size(self) -> int:
        """The number of ranks."""
        return self.look().world_size

    @property
    def samples_per_second(self) -> float | None:
        """How fast it learns, over all ranks."""
        return self.look().samples_per_second

    @property
    def created(self) -> float:
        """When it was made, seconds since the epoch."""
        return self.look().created

    @property
    def started(self) -> float | None:
        """When it first began to train, seconds since the epoch."""
        return self.look().started

    @property
    def ended(self) -> float | None:
        """When it ended, seconds since the epoch."""
        return self.look().ended

    @property
    def elapsed(self) -> float:
        """Seconds of training so far."""
        return self.look().elapsed

    @property
    def error(self) -> str | None:
        """What it failed with."""
        return self.look().error

    @property
    def warnings(self) -> list[str]:
        """What it was warned of, the first first: that its loss is no longer finite, say."""
        query = f"SELECT data FROM events WHERE run = ? AND kind IN {words.WARNINGS} ORDER BY id"
        with self.store.reading() as db:
            rows = db.execute(query, (self.id,)).fetchall() if db else []
        return [words.warning(data) for (data,) in rows]

    @property
    def parent(self) -> str | None:
        """The uid of the run that it was branched from."""
        return self.look().parent

    @property
    def branched_at(self) -> int | None:
        """The step at which it left its parent; None for a run that began anew."""
        return ancestry.branched_at(self)

    @property
    def lineage(self) -> list[Stretch]:
        """The way to it, the oldest ancestor first: each run, and the step at which the next one left it.

        The last one is this run itself. An ancestor that was deleted ends the way back.

        Example:
            >>> [(stretch.run.name, stretch.until) for stretch in Store().create("digits").lineage]
            [('digits', None)]
        """
        return ancestry.lineage(self)

    @property
    def children(self) -> list[Run]:
        """The runs that were branched from it, the oldest first."""
        return ancestry.children(self)

    @property
    def config(self) -> dict[str, Any]:
        """What it was made with."""
        return json.loads(self.look().config)

    @property
    def info(self) -> dict[str, Any]:
        """What else it said of itself."""
        return json.loads(self.look().info)

    @property
    def folder(self) -> Path:
        """Where its checkpoints lie; made by who writes there."""
        return self.store.path / self.name

    @property
    def checkpoints(self) -> Checkpoints:
        """Its checkpoints, the earliest step first: their steps, sizes, which is the best, which are pinned.

        Those of a kid with a `log_dir` of its own lie there, not here.
        """
        return checkpoints.on_the_way(self.folder)

    def at(self, step: int, like: Kid | None = None) -> Moment:
        """The run as of its newest checkpoint of a step no later than `step`.

        Args:
            step: which.
            like: a kid such as the run was made with, for `.kid`; a checkpoint holds no code.

        Returns:
            A moment: its `step`, `weights()`, `load_into(kid)`, and `kid`, a copy of `like` put there.

        Raises:
            CheckpointError: if there is no checkpoint so early; it names the nearest.
            KindError: if `step` is no whole number, or `like` no kid.
        """
        then: Any = registry.load("akidlab.pasts", "at")
        return then(self, step, like)

    def branch(self, step: int, like: Kid, name: str | None = None) -> Kid:
        """A kid that goes on from a checkpoint of this run; what it practises is a child of this run.

        Args:
            step: the checkpoint nearest before it is taken.
            like: a kid such as the run was made with; it stays as it is.
            name: what the new run is called; by default after this one and the step.

        Raises:
            CheckpointError: if there is no checkpoint so early, or it is of another brain.
        """
        make: Any = registry.load("akidlab.pasts", "branch")
        return make(self, step, like, name)

    def pulse(self) -> Pulse:
        """One quick look, cheap enough for many times a second."""
        with self.store.reading() as db:
            now = self.look()
            assert db is not None
            return pulse.take(db, now)

    def tags(self) -> list[str]:
        """The names of its scalars, in the order in which they appeared."""
        return list(self.pulse().tags)

    def distributions(self) -> list[str]:
        """The names of the tensors whose distributions were observed, in the order in which they appeared."""
        return list(self.pulse().distributions)

    def scalars(
        self,
        tag: str | None = None,
        *,
        since: int | None = None,
        points: int | None = None,
        within: tuple[int, int] | None = None,
        lineage: bool = False,
    ) -> Series:
        """The samples of one scalar.

        Args:
            tag: which, for instance `loss`.
            since: only those of later steps.
            points: at most so many, thinned so that they look the same; all of them if left out.
            within: only those of the steps from the first to the second number, both included.
            lineage: True for what led here, too: those of the runs that it was branched from, up to there.

        Raises:
            UnknownNameError: if the run has no such scalar.
            KindError: if no tag is given; it names those that there are.
        """
        if tag is None:
            raise _untold("scalars", self.tags())
        if lineage:
            return ancestry.scalars(self, tag, since=since, points=points, within=within)
        first, last = _steps(since, within)
        with self.store.reading() as db:
            found = _find(db, "tags", self.id, tag)
            if db is None or found is None:
                raise unknown("scalar", tag, self.tags())
            budget = LAST if points is None else 4 * points
            rows = pyramid.read(db, self.id, found[0], budget, first, last)
        series = _series(tag, rows, found[2], found[1])
        return series if points is None else series.thin(points)

    def percentiles(
        self,
        tag: str | None = None,
        *,
        since: int | None = None,
        points: int | None = None,
        within: tuple[int, int] | None = None,
    ) -> Bands:
        """How one tensor was spread: the nine percentiles of each observation.

        Args:
            tag: which, for instance `weights/conv1`; `distributions` has the names.
            since: only those of later steps.
            points: at most so many, thinned so that they look the same; all of them if left out.
            within: only those of the steps from the first to the second number, both included.

        Raises:
            UnknownNameError: if it was not observed.
            KindError: if no tag is given; it names those that there are.
        """
        if tag is None:
            raise _untold("percentiles", self.distributions())
        first, last = _steps(since, within)
        with self.store.reading() as db:
            observed = db is not None and schema.has_distributions(db)
            found = _find(db, "distributions", self.id, tag) if observed else None
            if db is None or found is None:
                raise unknown("distribution", tag, self.distributions())
            budget = LAST if points is None else 4 * points
            rows = pieces.read(db, self.id, found[0], budget, first, last)
        bands = Bands(
            tag, rows["step"].copy(), rows["values"].copy(), rows["time"].copy(), found[2], found[1],
            rows["count"].copy(),
        )  # fmt: skip
        return bands if points is None else bands.thin(points)

    def pictures(self) -> list[str]:
        """What there are pictures of, in the order in which they appeared: `filters/conv1`, `maps/relu1`.

        `maps/system_in` is the sample that the feature maps are of.

        Example:
            >>> Store().create("digits").pictures()
            []
        """
        with self.store.reading() as db:
            return pictures.names(db, self.id) if db and schema.has_images(db) else []

    def picture(self, tag: str | None = None, step: int | None = None) -> Recorded:
        """A picture of filters or of feature maps, as it was recorded: 255 levels, of large layers a part.

        Args:
            tag: which, for instance `filters/conv1`; `pictures` has the names.
            step: the last one no later than this step; the newest if left out.

        Raises:
            UnknownNameError: if there is none of it, or none so early; it names the first there is.
            KindError: if no tag is given; it names those that there are.
        """
        if tag is None:
            raise _untold("picture", self.pictures())
        with self.store.reading() as db:
            found = pictures.read(db, self.id, tag, step) if db and schema.has_images(db) else None
        if found is None:
            first = self.picture_steps(tag)[0]  # raises where there is none at all
            raise UnknownNameError(
                f"There is no picture `{tag}` of step {step:,} or before. The first is of step {first:,}."
            )
        return found

    def picture_steps(self, tag: str) -> np.ndarray:
        """The steps at which pictures were taken and kept, int64, ascending; at most 48 of a tag.

        Raises:
            UnknownNameError: if there is none of it.
        """
        with self.store.reading() as db:
            found = pictures.steps(db, self.id, tag) if db and schema.has_images(db) else []
        if not found:
            raise unknown("picture", tag, self.pictures())
        return np.array(found, np.int64)

    def events(self, kind: str | None = None, *, after: int = 0) -> list[EventEntry]:
        """What happened, oldest first: those of one `kind`, or with an id above `after`."""
        query = "SELECT id, step, time, kind, data FROM events WHERE run = ?1 AND id > ?2"
        only = " AND kind = ?3" if kind is not None else ""
        asked = (self.id, after, kind) if only else (self.id, after)
        with self.store.reading() as db:
            rows = db.execute(f"{query}{only} ORDER BY id", asked).fetchall() if db else []
        return [EventEntry(row[0], row[1], row[2], row[3], json.loads(row[4])) for row in rows]

    def graph(self, step: int | None = None) -> Graph:
        """How its brain was built, at `step` or at last.

        Raises:
            StoreError: if it is not known: it did not begin to train, or was recorded by an early akidlab.

        Example:
            >>> Store().create("digits").graph()
            Traceback (most recent call last):
            akidlab.errors.StoreError: `digits` has told no graph: it did not begin to train.
        """
        asked = (self.id, LAST if step is None else step)
        query = (
            "SELECT data FROM events WHERE run = ? AND kind = 'graph'"
            " ORDER BY step > ?2, CASE WHEN step > ?2 THEN -id ELSE id END DESC LIMIT 1"
        )
        with self.store.reading() as db:
            row = db.execute(query.replace("run = ?", "run = ?1"), asked).fetchone() if db else None
        if row is None:
            raise StoreError(f"`{self.name}` has told no graph: it did not begin to train.")
        return Graph.of(json.loads(row[0])["graph"])

    def findings(self) -> list[EventEntry]:
        """What was found wrong with it, oldest first: events that tell the `finding` and the `block`."""
        return [
            event
            for event in self.events()
            if event.kind in ("warning", "guard") and event.data.get("finding") is not None
        ]

    def logs(
        self,
        after: int = 0,
        *,
        before: int | None = None,
        rank: int | None = None,
        levels: Collection[str] | None = None,
        limit: int | None = None,
    ) -> list[LogEntry]:
        """The lines it wrote, oldest first, with an id above `after`; the newest `limit` of them.

        Args:
            after: only lines with a greater id.
            before: only lines with a smaller id.
            rank: only those of one rank.
            levels: only those of these levels: `info` is what went to standard output, `warning` to errors.
            limit: the newest so many of them.

        Example:
            >>> Store().create("digits").logs(rank=1, levels=["warning", "error"])
            []
        """
        with self.store.reading() as db:
            return pulse.lines(db, self.id, (after, LAST if before is None else before), rank, levels, limit)

    @property
    def ranks(self) -> list[dict[str, Any]]:
        """What is known of each rank: its `host`, `pid` and `state`, the last `checksum` of its weights.

        `lags` is how many times the others' work it does, 0 if it keeps up; `drifts` the step at which its
        weights were found to differ, 0 if they do not. What was measured of rank 1, at times, is in the
        scalars `ranks/step_ms/1`, `ranks/own_ms/1`, `ranks/wait_ms/1`, `ranks/bytes/1` and
        `ranks/gradient_norm/1`. Empty for a run of one process.

        Example:
            >>> Store().create("digits").ranks
            []
        """
        return list(self.info.get("ranks") or [])

    def figure(
        self,
        tag: str | Sequence[str] | None = None,
        *,
        log: bool = False,
        smooth: float = 0.0,
        backend: str = "plotly",
    ) -> Figure:
        """A figure of one scalar or of several over each other, or of distributions side by side.

        Args:
            tag: one name or several, of scalars or of distributions; the losses if left out.
            log: draw the values on a logarithmic axis.
            smooth: 0 for none, towards 1 for more; what was measured of a scalar stays visible behind it.
            backend: what draws it: `plotly` (interactive), `matplotlib`, `svg`, or another that is installed.

        Raises:
            UnknownNameError: if the run has no such scalar or distribution, or no such backend is installed.
            KindError: if some are scalars and some are distributions, or these are no names.
        """
        tags, known = self._drawn(tag), self.pulse()
        for name in tags:
            if not any(name in some for some in (known.tags, known.distributions, known.ranks)):
                raise drawing.missing(name, [known])
        return drawing.figure([(self, known)], tags, backend, name=known.now.name, log=log, smooth=smooth)

    def note(self, text: str) -> None:
        """Keep a note with the run, at the step where it is now: an event `note`, live or a year later.

        Args:
            text: at most 2,000 characters.

        Raises:
            ValueError: if it is empty or too long.
            StoreError: if the store cannot be written.

        Example:
            >>> run = Store().create("digits")
            >>> run.note("The baseline of the paper.")
            >>> [event.data["text"] for event in run.events("note")]
            ['The baseline of the paper.']
        """
        from akidlab.store.batch import to_json

        check_note(text)
        data = to_json({"text": text.encode(errors="replace").decode()})
        with self.store.writing() as db:
            db.execute(
                "INSERT INTO events (run, step, time, kind, data) VALUES (?, ?, ?, 'note', ?)",
                (self.id, self.step, time.time(), data),
            )

    def rewind(self, step: int) -> None:
        """Forget the samples after `step`: the run goes on from a checkpoint of that step."""
        from akidlab.store.batch import count_again

        with self.store.writing() as db:
            for (tag,) in db.execute("SELECT id FROM tags WHERE run = ?", (self.id,)).fetchall():
                gone = db.execute(
                    "DELETE FROM scalars WHERE run = ? AND tag = ? AND step > ?", (self.id, tag, step)
                ).rowcount
                if gone:
                    count_again(db, self.id, tag, step + 1)
            pieces.cut(db, self.id, step + 1)
            pictures.cut(db, self.id, step + 1)
            db.execute("UPDATE runs SET step = min(step, ?) WHERE id = ?", (step, self.id))

    def delete(self) -> None:
        """Take the run and its folder out of the store."""
        self.store.delete(self.uid)

    def _drawn(self, tag: str | Sequence[str] | None) -> list[str]:
        if tag is None:
            known = self.tags()
            return [name for name in ("loss", "validation_loss") if name in known] or known[:1] or ["loss"]
        names = list(tag) if isinstance(tag, Iterable) and not isinstance(tag, str) else [tag]
        if not all(isinstance(name, str) for name in names):
            raise KindError(f"`tag` is a name or several, found {tag!r:.60}. `run.tags()` has them.")
        return names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and other.uid == self.uid

    def __hash__(self) -> int:
        return hash(self.uid)

    def __repr__(self) -> str:
        return table.line(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Mapping[str, str]:
        return {"text/plain": repr(self), "text/html": table.card(self)}


def _find(db: sqlite3.Connection | None, table: str, run: int, tag: str) -> tuple[int, int, str] | None:
    """The id of a tag, how many samples it has, and the name of its run."""
    query = (
        f"SELECT {table}.id, count, runs.name FROM {table} JOIN runs ON runs.id = run"
        f" WHERE run = ? AND {table}.name = ?"
    )
    return db.execute(query, (run, tag)).fetchone() if db else None


def _untold(method: str, known: list[str]) -> KindError:
    shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    which = f', such as `{method}("{known[0]}")`' if known else ""
    return KindError(f"Say which tag{which}. Known: {shown or 'none'}.")


def _steps(since: int | None, within: tuple[int, int] | None) -> tuple[int, int]:
    first, last = within or (FIRST, LAST)
    return (first if since is None else max(first, since + 1)), last


def _series(tag: str, rows: list[tuple[int, float | None, float]], run: str, total: int) -> Series:
    steps, values, times = zip(*rows, strict=True) if rows else ((), (), ())
    return Series(
        tag,
        np.array(steps, dtype=np.int64),
        np.array(values, dtype=np.float64),  # None becomes NaN
        np.array(times, dtype=np.float64),
        run,
        total,
    )
