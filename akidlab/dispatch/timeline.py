"""Timelines: some steps of all ranks as a trace, in the format that Chrome and Perfetto open, too."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from akidlab.dispatch.abreast import Block

STEPS = 50
MOST = 1000  # steps of one timeline


class Timeline:
    """Keeps the last steps, and writes those that all ranks have traced.

    Args:
        hosts: of each rank, the machine; clocks of different ones are set by the end of each average.
    """

    def __init__(self, hosts: Sequence[str]) -> None:
        self._hosts = list(hosts)
        self._blocks: deque[Block] = deque()
        self._bytes: dict[int, int] = {}
        self._traces: dict[int, Mapping[str, Any]] = {}
        self.step: int | None = None  # at which one was asked for, if it is not there yet

    def ask(self, step: int) -> tuple[str, str]:
        """One is asked for; the names of the file, and of that of the engine."""
        self.step, self._traces = step, {}
        return f"timeline-{step}.json", f"timeline-{step}-horovod.json"

    def take(self, block: Block) -> None:
        """Take steps of all ranks."""
        self._blocks.append(block)
        while sum(len(block.steps) for block in self._blocks) > 4 * MOST and len(self._blocks) > 1:
            self._blocks.popleft()

    def look(self, rank: int, looks: np.ndarray) -> None:
        """Take what a rank measured at some steps: the step, the bytes, the norm."""
        if len(looks):
            self._bytes[rank] = int(looks[-1][1])

    def hear(self, rank: int, trace: Mapping[str, Any] | None) -> bool:
        """Take the trace of a rank; True when that was the last one."""
        if trace is not None and self.step is not None:
            self._traces[rank] = trace
        return self.step is not None and len(self._traces) == len(self._hosts)

    def write(self, path: Path) -> dict[str, int] | None:
        """Write it; which steps it holds, None if there are none that all ranks have traced."""
        first = max(int(trace["first"]) for trace in self._traces.values())
        last = min(int(trace["last"]) for trace in self._traces.values())
        self.step = None
        events = self._events(first, last)
        if not events:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}, separators=(",", ":")))
        return {"first": first, "last": last}

    def _events(self, first: int, last: int) -> list[dict[str, Any]]:
        chosen = [block.where((block.steps >= first) & (block.steps <= last)) for block in self._blocks]
        blocks = [block for block in chosen if len(block.steps)]
        if not blocks:
            return []
        steps = np.concatenate([block.steps for block in blocks])
        began, ended, own = (
            np.concatenate([getattr(block, name) for block in blocks], axis=1)
            for name in ("began", "ended", "own")
        )
        ahead = self._ahead(ended)
        zero = min(
            np.nanmin(began[rank] - np.nan_to_num(own[rank])) - ahead[rank] for rank in range(len(began))
        )
        events: list[dict[str, Any]] = []
        for rank, host in enumerate(self._hosts):
            lane = {"pid": rank, "tid": 0}
            since = float(zero + ahead[rank])
            name = {"name": f"rank {rank} on {host}"}
            events.append({"name": "process_name", "ph": "M", **lane, "args": name})
            for at, step in enumerate(steps.tolist()):
                if not np.isnan(own[rank, at]):
                    from_ = began[rank, at] - own[rank, at]
                    events.append(
                        _bar("own work", "own", from_, began[rank, at], since, lane, {"step": step})
                    )
                told = {"step": step, "bytes": self._bytes.get(rank, 0)}
                events.append(_bar("average", "wait", began[rank, at], ended[rank, at], since, lane, told))
            events += self._others(rank, since, lane, float(began[rank].min()), float(ended[rank].max()))
        return events

    def _others(
        self, rank: int, since: float, lane: dict[str, int], begin: float, end: float
    ) -> list[dict[str, Any]]:
        """What else it did together with others, meanwhile."""
        trace = self._traces[rank]
        rows = zip(trace["names"], trace["began"], trace["ended"], strict=True)
        return [
            _bar(name, "other", from_, to, since, lane, {})
            for name, from_, to in rows
            if name != "average" and from_ >= begin and to <= end
        ]

    def _ahead(self, ended: np.ndarray) -> np.ndarray:
        """By how much the clock of each rank is ahead of that of rank 0: all leave an average together."""
        if len(set(self._hosts)) == 1:
            return np.zeros(len(ended))
        return np.median(ended - ended[:1], axis=1)


def _bar(
    name: str, kind: str, begin: float, end: float, since: float, lane: dict[str, int], told: dict[str, Any]
) -> dict[str, Any]:
    start, long = 1e6 * (float(begin) - since), 1e6 * (float(end) - float(begin))
    return {
        "name": name,
        "cat": kind,
        "ph": "X",
        "ts": round(start, 1),
        "dur": round(long, 1),
        **lane,
        "args": told,
    }
