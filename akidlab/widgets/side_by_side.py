"""Comparing: several runs over each other, and what differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from akidlab import registry
from akidlab.errors import AkidlabError, KindError
from akidlab.store import Run, Runs, Store, comparison, titles
from akidlab.widgets import comparing
from akidlab.widgets.meant import meant
from akidlab.widgets.output import Bundle
from akidlab.widgets.questions import Answer
from akidlab.widgets.view import View

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

    from akidlab.messages.graph_changes import GraphChanges
    from akidlab.store.comparison import Change


def compare(*runs: Any) -> Comparison:
    """Several runs of one store over each other, and what differs between them; the first one is the measure.

    Shown in a notebook, it is a widget: curves (those that train go on), what changed, a table, the graphs
    of the brains side by side, and parallel coordinates.

    Args:
        runs: names, uids, runs, kids that have practised, or one sequence of them, such as
            `akidlab.runs()[:3]`.

    Raises:
        KindError: if they are none of these, a kid has not practised, or there are not at least two.
        UnknownNameError: if there is no such run.

    Example:
        >>> from akidlab.store import Store
        >>> one, other = (Store().create("digits", config={"lr": lr}) for lr in (0.1, 0.01))
        >>> compare(one, "digits-2").changes()
        [parameter lr: 0.1 | 0.01]
        >>> compare(Store().runs()).table()[0]["lr"]
        0.01
    """
    asked = runs[0] if len(runs) == 1 and not isinstance(runs[0], str) else runs
    if not isinstance(asked, Sequence):
        asked = [asked]
    store = next((one.store for one in asked if isinstance(one, Run)), None) or Store()
    found = list(dict.fromkeys(_run(one, store) for one in asked))
    if not 2 <= len(found) <= comparing.MOST:
        raise KindError(f"From 2 to {comparing.MOST} runs are compared, found {len(found)}.")
    return Comparison(found)


class Comparison(View):
    """Some runs, compared; get one with `compare`.

    Args:
        runs: at least one, all of one store.
    """

    kind = "compare"

    def __init__(self, runs: Sequence[Run]) -> None:
        super().__init__()
        self.runs = Runs(list(runs), runs[0].store)

    def changes(self) -> list[Change]:
        """In what they differ: parameters, seeds, data, code, graphs, versions, and what was done to them."""
        return comparison.changes(self.runs)

    def table(self, metrics: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """A line for each run: the parameters in which they differ, and the best value of each metric.

        Args:
            metrics: scalars; those of the validations if left out.
        """
        return comparison.table(self.runs, metrics)

    def to_pandas(self, metrics: Sequence[str] | None = None) -> pandas.DataFrame:
        """The table as a DataFrame.

        Raises:
            MissingPackageError: if pandas is not installed.
        """
        from akidlab.store.series import import_pandas

        return import_pandas().DataFrame(self.table(metrics)).set_index("run")

    def figure(self, tag: str | None = None, *more: str, **look: Any) -> Figure:
        """The curves over each other, as `Runs.figure` draws them.

        Args:
            tag: a scalar, or a distribution; the loss of the validations, else the loss, if left out.
            more: others of the same kind.
            look: `log`, `smooth` and `backend`, see `Runs.figure`.

        Raises:
            UnknownNameError: if none of the runs has it.
        """
        return Runs(self.runs[::-1], self.runs.store).figure(tag or self._first_tag, *more, **look)

    def parallel(
        self, colour: str | None = None, *, metrics: Sequence[str] | None = None, backend: str = "plotly"
    ) -> Figure:
        """Parallel coordinates: a line for each run, across what differs and what came of it.

        Args:
            colour: the column of the table that colours the lines; the last one of numbers if left out.
            metrics: as for `table`.
            backend: `plotly` or `svg`.
        """
        draw: Any = registry.load("akidlab.backends", backend)
        return draw.parallel(comparison.coordinates(self.runs, metrics), colour=colour)

    def graph_changes(self) -> list[GraphChanges | None]:
        """What became of the graph of the first run in each of them; None where one has told no graph."""
        return comparison.graph_differences(self.runs)

    def picture(self) -> Bundle:
        """The curves, and what changed, in words and as SVG."""
        bundle: Bundle = {"text/plain": repr(self)}
        try:
            draw: Any = registry.load("akidlab.backends", "svg")
            tag = self._first_tag
            series = [run.scalars(tag, points=500) for run in self.runs if tag in run.tags()]
            title = titles.subject([tag])
            bundle["image/svg+xml"] = str(draw.compared(series, self._lines(), title=title))
        except AkidlabError:  # the backend is not installed: words must do
            pass
        return bundle

    def head(self) -> dict[str, object]:
        """Which runs; the browser asks for the rest."""
        known = [run.look() for run in self.runs]
        return {
            "uids": [now.uid for now in known],
            "names": [now.name for now in known],
            "live": [now.is_live for now in known],
        }

    def ask(self, question: object, asked: object) -> Answer:
        """Answer the browser; see `comparing.answer`."""
        if question != "comparison" or not isinstance(asked, dict):
            return super().ask(question, asked)
        return Answer(*comparing.said(self.runs, asked))

    @property
    def _first_tag(self) -> str:
        return next(iter(comparing.tags(self.runs)), "loss")

    def _lines(self) -> list[str]:
        return [comparison.line(change, self.runs) for change in self.changes()]

    def __repr__(self) -> str:
        names = " | ".join(run.name for run in self.runs)
        return "\n".join([f"Comparison({names})", *(f"  {line}" for line in self._lines())])


def _run(what: Any, store: Store) -> Run:
    run = meant(what, store, wanted="Runs are compared, or names of runs")
    if run.store.path != store.path:
        raise KindError(f"Runs of one store are compared; `{run.name}` lies in `{run.store.path}`.")
    return run
