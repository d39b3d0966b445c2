"""What differs between runs: what they were made with, and what was done to them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from akidlab.errors import StoreError
from akidlab.messages.graph_changes import GraphChanges, graph_changes

if TYPE_CHECKING:
    from akidlab.messages.graph import Graph
    from akidlab.store.run import Run

KINDS = (
    "parameter",
    "seed",
    "data",
    "code",
    "graph",
    "version",
    "act",
)  # in the order in which they are told
ACTS = {  # what changes a run while it trains, and how it is told
    "rate": "learning rate",
    "edit": "edit",
    "stop": "stop",
    "early_stop": "early stop",
    "moved": "move",
    "guard": "guard",
    "branched": "branch",
    "ranks_left": "ranks",
    "ranks_joined": "ranks",
}
_APART = {"code", "instance", "repeat", "key", "tuning"}  # of a config; some of it is told otherwise
_NOW = re.compile(  # where a part stands, and the rate, which is told otherwise
    r", position epoch \d+, sample \d+|\blr=[^,)]+(?:, )?|, at a rate of \S+ now"
)
_FOLDERS = re.compile(r"(?<![\w./\\])(?:[A-Za-z]:)?[/\\](?:[^/\\\s'\"]+[/\\])+")
_LONG = 200  # characters of one value


@dataclass(frozen=True)
class Change:
    """Something in which runs differ.

    Args:
        kind: `parameter`, `seed`, `data`, `code`, `graph`, `version` or `act` (something done while it
            trained).
        name: what it is.
        values: what it is in each run, in their order; None where a run does not have it. Of code and graphs
            how each differs from the first run.
    """

    kind: str
    name: str
    values: tuple[Any, ...]

    def __repr__(self) -> str:
        shown = " | ".join("none" if value is None else _short(str(value)) for value in self.values)
        return f"{self.kind} {self.name}: {shown}"


def changes(runs: Sequence[Run]) -> list[Change]:
    """In what the runs differ; empty if they were made and treated alike."""
    found = [*_settings_apart(runs), *_code(runs), *_graphs(runs)]
    return sorted(found, key=lambda change: KINDS.index(change.kind))


def settings(run: Run) -> dict[tuple[str, str], Any]:
    """What a run was made with and what was done to it, by kind and name; no code, no graph, no folders."""
    now, made = run.config, run.info.get("made_with") or {}
    if "opt_paras" in now:  # an instance of a tuning tells of itself later
        told = {name: value for name, value in run.info.items() if name in _DESCRIBED}
        now = {**told, **{k: v for k, v in now.items() if k not in _APART}}
    found: dict[tuple[str, str], Any] = {}
    for name, value in _flat({k: v for k, v in now.items() if k not in _APART}).items():
        found["seed" if name == "seed" else "parameter", name] = value
    found["parameter", "processes"] = run.world_size
    found |= {("data", _DATA.get(name, name)): told for name, told in _flat(made.get("data") or {}).items()}
    found |= {("version", name): told for name, told in _flat(made.get("versions") or {}).items()}
    return found | {("act", name): ", ".join(told) for name, told in _acts(run).items()}


def table(runs: Sequence[Run], metrics: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """A line for each run: the parameters in which they differ, and the best value of each metric.

    Args:
        runs: which.
        metrics: scalars; by default those of the validations, and the loss.
    """
    apart = [change for change in _settings_apart(runs) if change.kind != "act"]
    apart.sort(key=lambda change: KINDS.index(change.kind))
    chosen = metrics if metrics is not None else _metrics(runs)
    lines = []
    for at, run in enumerate(runs):
        now = run.look()
        line: dict[str, Any] = {"run": now.name, "status": now.standing, "step": now.step}
        line |= {change.name: change.values[at] for change in apart}
        known = run.tags()
        for tag in chosen:
            line[tag] = run.scalars(tag, points=2000).best if tag in known else None  # no extreme is lost
        lines.append(line)
    return lines


def coordinates(runs: Sequence[Run], metrics: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The table as parallel coordinates draw it: without how far each run is."""
    rows = table(runs, metrics)
    return [{name: value for name, value in row.items() if name not in ("status", "step")} for row in rows]


def graph_differences(runs: Sequence[Run]) -> list[GraphChanges | None]:
    """What became of the graph of the first run in each of them; None where one has told no graph."""
    graphs = [graph(run) for run in runs]
    first = graphs[0]
    return [None if first is None or one is None else graph_changes(first, one) for one in graphs]


def line(change: Change, runs: Sequence[Run]) -> str:
    """A change in one line, with the names of the runs.

    Example:
        >>> from akidlab.store import Store
        >>> line(Change("parameter", "lr", (0.1, 0.01)), [Store().create("a"), Store().create("b")])
        'lr: a 0.1 · b 0.01'
    """
    told = [(run.name, value) for run, value in zip(runs, change.values, strict=True)]
    if change.kind in ("code", "graph"):  # told as what differs from the first
        told = [(name, value) for name, value in told[1:] if value]
    name = change.name if change.kind == "parameter" else f"{change.kind} {change.name}"
    return f"{name}: " + " · ".join(f"{run} {'none' if v is None else _short(str(v))}" for run, v in told)


def without_folders(text: str) -> str:
    """`text` as it may be shown to others: of absolute paths the last part alone.

    Example:
        >>> without_folders("data in '/home/ada/secret/mnist'")
        "data in '…/mnist'"
    """
    return _FOLDERS.sub("…/", text)


_DATA = {"name": "source", "train": "training data", "val": "validation data"}
_DESCRIBED = (
    "sensor", "brain", "kongfu", "batch_size", "lr", "seed", "max_steps", "compile", "precision", "clip_norm",
    "accumulate",
)  # fmt: skip


def _settings_apart(runs: Sequence[Run]) -> list[Change]:
    known = [settings(run) for run in runs]
    names = dict.fromkeys(key for settings_ in known for key in settings_)
    found = [Change(*key, tuple(one.get(key) for one in known)) for key in names]
    return [change for change in found if any(value != change.values[0] for value in change.values)]


def _metrics(runs: Sequence[Run]) -> list[str]:
    tags = dict.fromkeys(tag for run in runs for tag in run.tags())
    found = [tag for tag in tags if tag.startswith("validation_")]
    return found or [tag for tag in ("loss",) if tag in tags]


def _code(runs: Sequence[Run]) -> list[Change]:
    codes = [run.config.get("code") for run in runs]
    if all(code == codes[0] for code in codes):
        return []
    first = codes[0] or ""
    told = [None if code is None else _diff(first, code) if at else "" for at, code in enumerate(codes)]
    return [Change("code", "cell", tuple(told))]


def _diff(before: str, after: str) -> str:
    """The lines that differ, `-` and `+` before them."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return without_folders("\n".join(line for line in lines if not line.startswith(("---", "+++", "@@"))))


def _graphs(runs: Sequence[Run]) -> list[Change]:
    said = [None if one is None else one.said() for one in graph_differences(runs)]
    nodes = dict.fromkeys(id for one in said for id in one or {})
    return [
        Change("graph", id, tuple(None if one is None else one.get(id, "") for one in said)) for id in nodes
    ]


def graph(run: Run) -> Graph | None:
    """The graph of its brain as it last was; None if it has told none."""
    try:
        return run.graph()
    except StoreError:
        return None


def _acts(run: Run) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for event in run.events():
        name = ACTS.get(event.kind)
        if name is not None:
            told = next((event.data[key] for key in _TELLING if event.data.get(key) is not None), None)
            what = "" if told is None else f"{without_folders(str(told))} "
            found.setdefault(name, []).append(f"{what}at step {event.step:,}")
    return found


_TELLING = ("value", "edit", "name", "to", "ranks", "text", "metric")


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{name}.")
        elif isinstance(value, str):
            found[before + name] = without_folders(_NOW.sub("", value))
        else:
            found[before + name] = value
    return found


def _short(text: str) -> str:
    text = " ⏎ ".join(text.splitlines())
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"
