"""Runs: the runs of a store, as a sequence, by name, and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, overload

from akidlab.errors import NoSuchRunError, unknown
from akidlab.messages.topics import RANKS
from akidlab.store import drawing, snapshot, table, words
from akidlab.store.series import import_pandas
from akidlab.store.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

    from akidlab.store.run import Run
    from akidlab.store.store import Store

SHOWN = ("loss", "validation_loss", "accuracy", "validation_accuracy")


class Runs(Sequence["Run"]):
    """Some runs, the newest first: taken by number, by name, by a slice, or by a list of numbers and names.

    Example:
        >>> from akidlab.store import Store
        >>> first, second = Store().create("digits"), Store().create("digits")
        >>> Store().runs()["digits-2"] == Store().runs()[0] == second
        True
        >>> Store().runs()[["digits", 0]].names()
        ['digits', 'digits-2']
    """

    def __init__(self, members: Sequence[Run], store: Store) -> None:
        self._members = list(members)
        self.store = store

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._members)

    @overload
    def __getitem__(self, index: int | str) -> Run: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int | str]) -> Runs: ...
    def __getitem__(self, index: int | str | slice | Sequence[int | str]) -> Run | Runs:
        if isinstance(index, slice):
            return Runs(self._members[index], self.store)
        if isinstance(index, str):
            return self._named(index)
        if isinstance(index, (list, tuple)):
            return Runs([self[one] for one in index], self.store)
        try:
            return self._members[index]  # type: ignore[index]  # numbers of numpy are as good
        except IndexError:
            raise NoSuchRunError(self._out_of_range(index)) from None

    def __contains__(self, item: object) -> bool:
        return item in self.names() if isinstance(item, str) else item in self._members

    def names(self) -> list[str]:
        """Their names, the newest first."""
        return [now.name for now, _ in self.look()]

    @property
    def live(self) -> Runs:
        """Those that train, or wait to."""
        return Runs([run for run, now in self._seen() if now.is_live], self.store)

    def live_first(self) -> Runs:
        """The same, those that train before those that have ended."""
        seen = self._seen()
        order = sorted(seen, key=lambda one: not one[1].is_live)  # what is equal stays as it was
        return Runs([run for run, _ in order], self.store)

    def _ipython_key_completions_(self) -> list[str]:
        return self.names()

    def look(self) -> list[tuple[Snapshot, dict[str, float]]]:
        """What the store says of each now, and the last value of each of its scalars: one quick query."""
        with self.store.reading() as db:
            if db is None:
                return []
            rows = {now.uid: now for now in (Snapshot(*row) for row in db.execute(snapshot.SELECT))}
            last: dict[int, dict[str, float]] = {}
            query = f"SELECT run, name, last_value FROM tags WHERE name NOT GLOB '{RANKS}/*'"
            for run, name, value in db.execute(query):
                last.setdefault(run, {})[name] = float("nan") if value is None else value
        here = [rows[run.uid] for run in self._members if run.uid in rows]
        return [(now, last.get(now.id, {})) for now in here]

    def _seen(self) -> list[tuple[Run, Snapshot]]:
        by_uid = {run.uid: run for run in self._members}
        return [(by_uid[now.uid], now) for now, _ in self.look()]

    def warnings(self) -> dict[str, list[str]]:
        """What those that were warned of something were warned of, by their names."""
        query = (
            "SELECT runs.uid, runs.name, data FROM runs JOIN events ON events.run = runs.id"
            f" WHERE kind IN {words.WARNINGS} ORDER BY events.id"
        )
        with self.store.reading() as db:
            rows = db.execute(query).fetchall() if db else []
        here = {run.uid for run in self._members}
        said: dict[str, list[str]] = {}
        for uid, name, data in rows:
            if uid in here:
                said.setdefault(name, []).append(words.warning(data))
        return said

    def figure(
        self,
        tag: str = "loss",
        *more: str,
        log: bool = False,
        smooth: float = 0.0,
        backend: str = "plotly",
    ) -> Figure:
        """A figure that draws a scalar of all these runs over each other, or a distribution side by side.

        Runs that do not have it are left out.

        Args:
            tag: a scalar, or a distribution.
            more: others of the same kind.
            log: draw the values on a logarithmic axis.
            smooth: 0 for none, towards 1 for more.
            backend: what draws it: `plotly` (interactive), `matplotlib`, `svg`, or another that is installed.

        Raises:
            UnknownNameError: if none of them has it, or no such backend is installed.
            KindError: if some are scalars and some are distributions.
        """
        tags = (tag, *more)
        known = [(run, run.pulse()) for run in reversed(self)]
        have = {name for _, pulse in known for name in (*pulse.tags, *pulse.distributions)}
        if not have & set(tags):
            raise drawing.missing(tag, [pulse for _, pulse in known])
        return drawing.figure(known, tags, backend, log=log, smooth=smooth)

    def to_pandas(self) -> pandas.DataFrame:
        """A table with one line for each run, the last value of each of its scalars included.

        Raises:
            MissingPackageError: if pandas is not installed.
        """
        pandas = import_pandas()
        said = self.warnings()
        lines = [
            {**table.facts(now), "warning": "\n".join(said.get(now.name, [])) or None, **last}
            for now, last in self.look()
        ]
        return pandas.DataFrame(lines).set_index("name") if lines else pandas.DataFrame()

    def _out_of_range(self, index: object) -> str:
        known = len(self)
        if not known:
            return f"There is no run {index}: there are none in {self.store.path}."
        count = f"are {known:,}" if known > 1 else "is 1"
        return f"There is no run {index}: there {count}, from 0, the newest, to {known - 1:,}, or by name."

    def _named(self, name: str) -> Run:
        for run, known in zip(self, self.names(), strict=False):
            if name in (known, run.uid):
                return run
        raise unknown("run", name, self.names())

    def __repr__(self) -> str:
        return table.text(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Mapping[str, str]:
        return {"text/plain": repr(self), "text/html": table.html(self)}
