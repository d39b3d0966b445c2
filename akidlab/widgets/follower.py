"""A Follower: reads from the store what is new in a run, and packs it small for the browser."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from akidlab.widgets import description

if TYPE_CHECKING:
    from akidlab.store import Run, Series

_POINT = 12  # bytes of one point: its step in float64, its value in float32
_TICK = 19_000  # bytes of all messages of a tick
_DELTA = 6_000  # bytes for the points that are new
_WORDS = 1_500  # bytes for new events, and for new lines; the newest come first, all come when asked for


@dataclass(frozen=True, slots=True)
class Packet:
    """One message to the browser: its content (the browser's `ITick`) and its two buffers."""

    content: dict[str, object]
    buffers: list[bytes]

    @property
    def size(self) -> int:
        """About how many bytes it takes on the way."""
        return len(json.dumps(self.content, default=str)) + sum(map(len, self.buffers))


class Follower:
    """Follows one run.

    `ended` says that the last delta was of a run that is no longer live; `rewritten`, that the run had gone
    back to an earlier step, so that a snapshot has to follow.

    Args:
        run: what to follow.

    Example:
        >>> run = Store().create("digits")
        >>> Follower(run).delta().content["seq"]
        1
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.seq = 0
        self.ended = False
        self.rewritten = False
        self._steps: dict[str, int] = {}
        self._rewrites: dict[str, int] = {}
        self._size = 0
        self._event = 0
        self._log = 0

    def delta(self) -> Packet:
        """What is new since the delta before; of a long series a thinned part."""
        pulse = self.run.pulse()
        self.ended = not pulse.now.is_live
        self.seq += 1
        self._note_rewrites({tag: known.rewrites for tag, known in pulse.tags.items()})
        fresh = [
            self.run.scalars(tag, since=self._steps.get(tag), points=_share(_DELTA, len(pulse.tags)))
            for tag, known in pulse.tags.items()
            if known.step is not None and known.step > self._steps.get(tag, -1) and not self.rewritten
        ]
        self._steps.update((series.tag, int(series.steps[-1])) for series in fresh if len(series))
        if self.rewritten:  # the snapshot that follows holds it all
            self._steps = {tag: known.step for tag, known in pulse.tags.items() if known.step is not None}
        events = self.run.events(after=self._event) if pulse.event > self._event else []
        logs = self.run.logs(after=self._log, limit=description.LINES) if pulse.log > self._log else []
        self._event, self._log = pulse.event, pulse.log
        content = {
            "run": description.run(pulse.now),
            "events": _newest(description.events(events)),
            "logs": _newest(description.logs(logs)),
        }
        packet = self._packet(content, fresh, full=False)
        self._size = packet.size
        return packet

    def snapshot(self, points: int | None = None) -> Packet:
        """The whole history up to the last delta: as much as a tick has room for, or all when asked for.

        Args:
            points: of each series; None for a tick.
        """
        pulse = self.run.pulse()
        row = description.run(pulse.now)
        budget = _TICK - self._size - len(json.dumps(row)) - 1_000
        share = points or _share(budget, len(pulse.tags))
        whole = [self.run.scalars(tag, points=share) for tag in pulse.tags]
        events = description.events(self.run.events())[-description.LINES :] if points else []
        logs = description.logs(self.run.logs(limit=description.LINES)) if points else []
        content = {"run": row, "events": events, "logs": logs}
        return self._packet(content, whole, full=True, answer=points is not None)

    def _note_rewrites(self, now: dict[str, int]) -> None:
        self.rewritten = any(now[tag] != self._rewrites.get(tag, now[tag]) for tag in now)
        self._rewrites = now

    def _packet(
        self, content: dict[str, object], series: list[Series], *, full: bool, answer: bool = False
    ) -> Packet:
        steps = [np.asarray(one.steps, dtype=np.float64) for one in series]
        values = [np.asarray(one.values, dtype=np.float32) for one in series]
        head = {
            "kind": "tick",
            "seq": self.seq,
            "full": full,
            "coarse": self.seq == 1 and any(len(one) < one.total for one in series),
            "answer": answer,
            "anew": full and self.rewritten,
            "series": [[one.tag, len(one)] for one in series],
        }
        return Packet(head | content, [_joined(steps), _joined(values)])


def _share(budget: int, tags: int) -> int:
    return max(8, budget // _POINT // max(1, tags))


def _joined(parts: list[np.ndarray]) -> bytes:
    return b"".join(part.tobytes() for part in parts)


def _newest(entries: list[dict[str, object]], budget: int = _WORDS) -> list[dict[str, object]]:
    """The newest entries that fit into `budget` bytes, and one in any case."""
    kept: list[dict[str, object]] = []
    for entry in reversed(entries):
        budget -= len(json.dumps(entry, default=str))
        if budget < 0 and kept:
            break
        kept.append(entry)
    return kept[::-1]
