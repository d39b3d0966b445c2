"""Several runs side by side, as the browser hears of them: plain values that JSON can carry."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from akidlab import registry
from akidlab.errors import UnknownNameError
from akidlab.store import comparison

if TYPE_CHECKING:
    from akidlab.store import Run
    from akidlab.widgets.description import Plain

    Said = tuple[Plain, list[bytes]]

POINT = 12  # bytes of one point: its step in float64, its value in float32
ROOM = 13_500  # bytes of the curves of an answer while something trains; as text they are a third more
POINTS = 1_000  # of one curve when nothing does
CHARTS = 6  # scalars that are drawn
LONG = 2_000  # characters of one value
MOST = 50  # runs
_NO_CHART = {"samples_per_second", "observation_share", "observation_every"}


def answer(run: Run, asked: Mapping[str, object]) -> Said:
    """What is asked about several runs of the store of `run`.

    Args:
        run: any of that store.
        asked: `uids`, a list of the runs; `what`: `about`, `curves`, `graphs` or `parallel`; and what these
            take.

    Raises:
        ValueError: if it makes no sense, or one of the runs is gone.
    """
    uids = asked.get("uids")
    if not isinstance(uids, list) or not 0 < len(uids) <= MOST or not all(isinstance(u, str) for u in uids):
        raise ValueError(f"`uids` is a list of 1 to {MOST} runs, found {uids!r:.40}.")
    try:
        return said([run.store.run(uid) for uid in uids], asked)
    except UnknownNameError as error:
        raise ValueError(str(error)) from None


def said(runs: Sequence[Run], asked: Mapping[str, object]) -> Said:
    """What is asked about `runs`, by `what`; see `answer`.

    Raises:
        ValueError: if nobody answers that.
    """
    what = asked.get("what")
    if not isinstance(what, str) or what not in _ANSWERS:
        raise ValueError(f"Nobody answers {what!r:.40}. Known: {', '.join(_ANSWERS)}.")
    return _ANSWERS[what](runs, asked)


def about(runs: Sequence[Run]) -> Plain:
    """What the runs are, in what they differ, and a table of them; the browser's `IAbout`."""
    return {
        "runs": [_run(run) for run in runs],
        "tags": tags(runs),
        "changes": [
            {"kind": one.kind, "name": one.name, "values": [_value(value) for value in one.values]}
            for one in comparison.changes(runs)
        ],
        "table": [{name: _value(value) for name, value in row.items()} for row in comparison.table(runs)],
    }


def tags(runs: Sequence[Run]) -> list[str]:
    """The scalars that are drawn: those of validations and the loss first, those of single blocks not."""
    known = dict.fromkeys(tag for run in runs for tag in run.tags())
    own = [tag for tag in known if "/" not in tag and tag not in _NO_CHART]
    return sorted(own, key=lambda tag: (not tag.startswith("validation_"), tag != "loss"))[:CHARTS]


def _curves(runs: Sequence[Run], asked: Mapping[str, object]) -> Said:
    """Curves of those of the runs that are `wanted` (all if that is left out), thinned to what fits."""
    wanted = asked.get("wanted")
    chosen = [run for run in runs if not isinstance(wanted, list) or run.uid in wanted]
    names = tags(runs)
    live = any(run.is_live for run in chosen)
    share = max(8, ROOM // POINT // max(1, len(chosen) * len(names))) if live else POINTS
    pulses = [run.pulse() for run in chosen]
    found = [
        (run, run.scalars(tag, points=share))
        for run, pulse in zip(chosen, pulses, strict=True)
        for tag in names
        if tag in pulse.tags
    ]
    series = [[run.uid, one.tag, len(one)] for run, one in found]
    steps = b"".join(np.asarray(one.steps, np.float64).tobytes() for _, one in found)
    values = b"".join(np.asarray(one.values, np.float32).tobytes() for _, one in found)
    return {"runs": [_run(run) for run in chosen], "series": series, "tags": names}, [steps, values]


def _graphs(runs: Sequence[Run], asked: Mapping[str, object]) -> Said:
    """The graphs, and what became of that of the first run in each of the others."""
    differences = comparison.graph_differences(runs)
    graphs = [comparison.graph(run) for run in runs]
    return {
        "graphs": [None if graph is None else graph.json for graph in graphs],
        "differences": [None if one is None else one.json for one in differences],
    }, []


def _parallel(runs: Sequence[Run], asked: Mapping[str, object]) -> Said:
    draw: Any = registry.load("akidlab.backends", "plotly")
    return json.loads(draw.parallel(comparison.coordinates(runs)).to_json()), []


_ANSWERS = {
    "about": lambda runs, asked: (about(runs), []),
    "curves": _curves,
    "graphs": _graphs,
    "parallel": _parallel,
}


def _run(run: Run) -> Plain:
    now = run.look()
    return {
        "uid": now.uid,
        "name": now.name,
        "status": now.standing,
        "live": now.is_live,
        "step": now.step,
        "max_steps": now.max_steps,
    }


def _value(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, (bool, int)) else str(value)[:LONG]
