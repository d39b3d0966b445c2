"""A run as the browser hears of it: plain values that JSON can carry. No widget library, no server."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from akidlab.store import EventEntry, LogEntry, Run, Snapshot

Plain = dict[str, object]

# What happens all the time and is seen in the charts and numbers anyway.
CHATTER = frozenset({"started", "first_step", "epoch", "validation", "checkpoint", "save"})
POINTS = 2000
MOST = 40_000  # points of all lines (`topic/key`) together: what a browser is told at once
LINES = 200
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
        "samples_per_second": _finite(now.samples_per_second),
        "elapsed": round(now.elapsed, 2),
        "error": None if now.error is None else now.error[-_LONGEST:],
    }


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
        if entry.kind not in CHATTER
    ]


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


def history(of: Run, points: int = POINTS) -> Plain:
    """All that is known of a run, each series thinned; the browser's `IHistory`."""
    pulse = of.pulse()
    series = {}
    for tag, share in shares(points, pulse.tags).items():
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
    }


def shares(points: int, tags: Collection[str]) -> dict[str, int]:
    """How many points each series gets: up to `points`, and fewer those that share a chart with many."""
    lines = sum("/" in tag for tag in tags)
    line = max(8, min(points, MOST // max(1, lines)))
    return {tag: line if "/" in tag else points for tag in tags}


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
