"""The words, symbols and colours for what a run has come to; the same wherever it is shown."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping

from akidlab.store.liveness import this_machine
from akidlab.store.snapshot import Snapshot

# Symbol and colour of each status; the colours are legible on white and on black.
LOOKS = {
    "preparing": ("…", "#7a7a7a"),
    "running": ("▶", "#1f83d1"),
    "paused": ("‖", "#b57600"),
    "finished": ("✓", "#1a9150"),
    "stopped": ("■", "#7a7a7a"),
    "failed": ("✗", "#e0433a"),
    "lost": ("?", "#c2569b"),
}
WARNINGS = "('warning', 'rank_lags', 'rank_drifts')"  # the kinds of events that warn, as SQL has them
WARNED = ("⚠", "#b57600")  # what a run is marked with that was warned of something


def standing(now: Snapshot) -> str:
    """The status with its symbol."""
    return f"{LOOKS.get(now.standing, LOOKS['lost'])[0]} {now.standing}"


def warning(data: str) -> str:
    """What an event of a warning says, of its data as the store keeps them."""
    return str(json.loads(data).get("text") or "a warning without words")


def observed(last: Mapping[str, float]) -> str:
    """What looking inside cost a run, by the last values of its scalars; empty if nobody looked.

    Example:
        >>> observed({"observation_share": 0.0137, "observation_every": 10})
        'observed 1.4 %, every 10 steps'
    """
    share, every = last.get("observation_share"), last.get("observation_every")
    said = []
    if share is not None and math.isfinite(share):
        said.append(f"{100 * share:.1f} %" if share >= 0.0005 or share == 0 else "under 0.1 %")
    if every is not None and math.isfinite(every):
        said.append("every step" if every == 1 else f"every {every:,.0f} steps")
    return f"observed {', '.join(said)}" if said else ""


def colour(now: Snapshot) -> str:
    """The colour of the status."""
    return LOOKS.get(now.standing, LOOKS["lost"])[1]


def steps(now: Snapshot) -> str:
    """Steps done, of how many."""
    return f"{now.step:,}" + (f" / {now.max_steps:,}" if now.max_steps else "")


def place(now: Snapshot) -> str:
    """Where a live run trains: `here`, `process 4711`, or `ada, process 4711` of another machine."""
    if not now.is_live:
        return "-"
    if now.machine != this_machine():
        return f"{now.host}, process {now.pid}"
    return "here" if now.pid == os.getpid() else f"process {now.pid}"


def number(value: float | None) -> str:
    """A value in four digits."""
    if value is None:
        return "-"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 100 else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def when(moment: float) -> str:
    """A moment in local time, without the date if it is today."""
    local = time.localtime(moment)
    today = time.strftime("%Y-%m-%d", local) == time.strftime("%Y-%m-%d")
    return time.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M", local)
