"""A run as the browser hears of it: plain values that JSON can carry. No widget library, no server."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from itertools import takewhile
from typing import TYPE_CHECKING

from akidlab.dispatch import home
from akidlab.dispatch.launcher import slots
from akidlab.store.liveness import this_machine

if TYPE_CHECKING:
    from akidlab.store import EventEntry, LogEntry, Run, Snapshot
    from akidlab.store.pulse import Pulse

Plain = dict[str, object]

# What happens all the time and is seen in the charts and numbers anyway.
CHATTER = frozenset({"started", "first_step", "epoch", "validation", "ranks", "graph"})
ON_DEMAND = {"checkpoint": "pinned", "save": "id"}  # told only of what somebody asked for
POINTS = 2000
SHOWN = 300  # lines of a log that are told at once
MOST = 40_000  # points of all lines (`topic/key`) together: what a browser is told at once
LINES = 200
LEVELS = {"output": ("info",), "errors": ("warning", "error")}
# What else there is to see of a run: each opens a tab of the dashboard.
PARTS: dict[str, Callable[[Pulse], bool]] = {
    "distributions": lambda pulse: bool(pulse.distributions),
    "filters": lambda pulse: '"filters": true' in pulse.now.info,  # as the store says when there are some
    "maps": lambda pulse: '"maps": true' in pulse.now.info,
}
_LARGEST = 30_000_000  # bytes of a timeline
_TIMELINE = re.compile(r"timeline-\d{1,18}(-horovod)?\.json")
_LONGEST = 2500  # characters of one traceback or line


def run(now: Snapshot) -> Plain:
    """How a run is now; the browser's `IRun`."""
    return {
        "uid": now.uid,
        "name": now.name,
        "status": now.standing,
        "live": now.is_live,
        "step": now.step,
        "epoch": now.epoch,
        "max_steps": now.max_steps,
        "world_size": now.world_size,
        "places": places(now),
        "samples_per_second": _finite(now.samples_per_second),
        "elapsed": round(now.elapsed, 2),
        "error": None if now.error is None else now.error[-_LONGEST:],
    }


def places(now: Snapshot) -> list[int]:
    """How many processes a live run may go on with, 1 for its notebook's own; none if it cannot move."""
    is_near = now.machine == this_machine() and home.is_there(json.loads(now.info).get("home"))
    if not (now.is_live and is_near):
        return []
    powers = (2**power for power in range(2, 20))
    return sorted({1, 2, now.world_size, *takewhile(lambda ranks: ranks <= slots(), powers)})


def events(entries: list[EventEntry]) -> list[Plain]:
    """What happened, without the chatter; the browser's `IEvent`."""
    return [
        {
            "id": entry.id,
            "kind": entry.kind,
            "step": entry.step,
            "time": entry.time,
            "data": _plain(entry.data),
        }
        for entry in entries
        if entry.kind not in CHATTER and _was_asked_for(entry)
    ]


def _was_asked_for(entry: EventEntry) -> bool:
    """False for the checkpoints of every epoch, and those that are only to be read."""
    sign = ON_DEMAND.get(entry.kind)
    return sign is None or (bool(entry.data.get(sign)) and entry.data.get("value") != 0)


def logs(entries: list[LogEntry]) -> list[Plain]:
    """What was written; the browser's `ILog`."""
    return [
        {
            "id": entry.id,
            "step": entry.step,
            "text": entry.text[-_LONGEST:],
            "level": entry.level,
            "rank": entry.rank,
            "time": entry.time,
        }
        for entry in entries
    ]


def ranks(now: Snapshot) -> Plain | None:
    """What is known of each rank, in few bytes; the browser's `IRanks`. None if the run has no ranks."""
    known = json.loads(now.info).get("ranks") or []
    if not known:
        return None
    hosts = list(dict.fromkeys(str(row["host"]) for row in known))
    names = ("pid", "state", "step", "checksum", "lags", "drifts")
    return {
        "hosts": hosts,
        "rows": [[hosts.index(str(row["host"])), *(row.get(name) for name in names)] for row in known],
    }


def parts(pulse: Pulse) -> list[str]:
    """Which of `PARTS` there are."""
    return [name for name, is_there in PARTS.items() if is_there(pulse)]


def log(of: Run, asked: Mapping[str, object]) -> Plain:
    """The newest lines of a run that fit what is asked: `rank`, `level`, and `before` which line.

    Args:
        of: the run.
        asked: plain values from a browser: `rank`, a number or None for all; `level`, `output` or `errors`
            or None for both; `before`, the id of a line or None.

    Raises:
        ValueError: if they are something else.
    """
    rank, before, level = (_number(asked, "rank"), _number(asked, "before"), asked.get("level"))
    if level is not None and (not isinstance(level, str) or level not in LEVELS):
        raise ValueError(f"`level` is one of {', '.join(LEVELS)}, found {level!r:.40}.")
    levels = None if level is None else LEVELS[level]
    found = of.logs(before=before, rank=rank, levels=levels, limit=SHOWN + 1)
    return {"logs": logs(found[-SHOWN:]), "more": len(found) > SHOWN}


def timeline(of: Run, name: object) -> Plain:
    """A timeline that lies in the folder of a run, as text.

    Raises:
        ValueError: if that is no name of a timeline, or there is none.
    """
    if not isinstance(name, str) or not _TIMELINE.fullmatch(name):
        raise ValueError(f"{name!r:.80} is not the name of a timeline.")
    path = of.folder / name
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"The timeline is too large for a browser. Its file: {path}")
        return {"name": name, "text": path.read_text()}
    except OSError as error:
        raise ValueError(f"The timeline `{name}` is not there any more: {error.strerror}.") from error


def history(of: Run, points: int = POINTS) -> Plain:
    """All that is known of a run, each series thinned; the browser's `IHistory`."""
    pulse = of.pulse()
    series = {}
    for tag, share in shares(points, [*pulse.tags, *pulse.ranks]).items():
        found = of.scalars(tag, points=share)
        series[tag] = {
            "steps": found.steps.tolist(),
            "values": [value if math.isfinite(value) else None for value in found.values.tolist()],
        }
    return {
        "run": run(pulse.now),
        "series": series,
        "events": events(of.events())[-LINES:],
        "logs": logs(of.logs(limit=LINES)),
        "ranks": ranks(pulse.now),
        "has": parts(pulse),
    }


def shares(points: int, tags: Collection[str]) -> dict[str, int]:
    """How many points each series gets: up to `points`, and fewer those that share a chart with many."""
    lines = sum("/" in tag for tag in tags)
    line = max(8, min(points, MOST // max(1, lines)))
    return {tag: line if "/" in tag else points for tag in tags}


def _number(asked: Mapping[str, object], name: str) -> int | None:
    found = asked.get(name)
    if found is not None and (type(found) is not int or not 0 <= found < 2**62):
        raise ValueError(f"`{name}` is a number, found {found!r:.40}.")
    return found  # type: ignore[return-value]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _plain(value: object) -> object:
    """JSON has no NaN and no infinity: these become None."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, str):
        return value[-_LONGEST:]
    return None if isinstance(value, float) and not math.isfinite(value) else value
