"""A Follower: reads from the store what is new in a run, and packs it small for the browser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from akidlab.widgets import description

if TYPE_CHECKING:
    from akidlab.store import Run, Series, Snapshot
    from akidlab.store.pulse import Tag

_POINT = 12  # bytes of one point: its step in float64, its value in float32
_HEAD = 9  # bytes that go with the name of a tag
_FEWEST = 8  # points of a series that is sent at all, if it has so many
_TICK = 19_000  # bytes of all messages of a tick
_DELTA = 9_000  # bytes for the points that are new
_WORDS = 1_500  # bytes for new events, and for new lines


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
        self._counts: dict[str, int] = {}
        self._rewrites: dict[str, int] = {}
        self._sent: dict[str, int] = {}
        self._size = 0
        self._event = 0
        self._log = 0
        self._told: description.Plain | None = None  # of the ranks

    def delta(self) -> Packet:
        """What is new since the delta before; of a long series a thinned part."""
        pulse = self.run.pulse()
        self.ended = not pulse.now.is_live
        self.seq += 1
        known = pulse.tags | pulse.ranks
        self._note_rewrites({tag: one.rewrites for tag, one in known.items()})
        ranks = self._ranks(pulse.now)
        fresh = self._fresh(known, _DELTA - (len(json.dumps(ranks)) if ranks else 0))
        if self.rewritten:  # the snapshot that follows holds it all
            self._steps = {tag: one.step for tag, one in known.items() if one.step is not None}
            self._counts = {tag: one.count for tag, one in known.items()}
        logs = self.run.logs(after=self._log, limit=description.LINES) if pulse.log > self._log else []
        self._log = pulse.log
        content = {
            "run": description.run(pulse.now),
            "events": self._events(pulse.event),
            "logs": _fitting(description.logs(logs)[::-1])[::-1],  # the newest; all come when asked for
            "ranks": ranks,
            "has": description.parts(pulse),
        }
        packet = self._packet(content, fresh, full=False)
        self._size = packet.size
        return packet

    def snapshot(self, points: int | None = None) -> Packet:
        """The whole history up to the last delta: as much as a tick has room for, or all when asked for.

        Args:
            points: of each series, fewer if there are many; None for a tick.
        """
        pulse = self.run.pulse()
        row = description.run(pulse.now)
        budget = _TICK - self._size - len(json.dumps(row)) - 1_000
        counts = {tag: known.count for tag, known in (pulse.tags | pulse.ranks).items()}
        shares = description.shares(points, counts) if points else _shares(counts, budget)
        whole = [self.run.scalars(tag, points=share) for tag, share in shares.items()]
        missing = len(whole) < len(counts)
        events = description.events(self.run.events())[-description.LINES :] if points else []
        logs = description.logs(self.run.logs(limit=description.LINES)) if points else []
        ranks = description.ranks(pulse.now) if points else None
        has = description.parts(pulse)
        content = {"run": row, "events": events, "logs": logs, "ranks": ranks, "has": has}
        return self._packet(content, whole, full=True, answer=points is not None, coarse=missing)

    def _ranks(self, now: Snapshot) -> description.Plain | None:
        """What is known of the ranks, if that is news."""
        found = description.ranks(now)
        if found == self._told:
            return None
        self._told = found
        return found

    def _fresh(self, tags: Mapping[str, Tag], budget: int) -> list[Series]:
        """The new points of as many series as there is room for; those that had to wait come first."""
        waiting = {
            tag: max(1, known.count - self._counts.get(tag, 0))
            for tag, known in tags.items()
            if known.step is not None and known.step > self._steps.get(tag, -1) and not self.rewritten
        }
        order = sorted(waiting, key=lambda tag: ("/" in tag, self._sent.get(tag, 0)))
        shares = _shares({tag: waiting[tag] for tag in order}, max(_DELTA // 4, budget))
        fresh = [
            self.run.scalars(tag, since=self._steps.get(tag), points=share) for tag, share in shares.items()
        ]
        self._steps.update((series.tag, int(series.steps[-1])) for series in fresh if len(series))
        self._sent.update(dict.fromkeys(shares, self.seq))
        self._counts.update((tag, tags[tag].count) for tag in shares)
        return fresh

    def _events(self, newest: int) -> list[description.Plain]:
        """What happened, oldest first; what does not fit comes with the next tick, for none may be missed."""
        if newest <= self._event:
            return []
        entries = description.events(self.run.events(after=self._event))
        told = _fitting(entries)
        self._event = newest if len(told) == len(entries) else int(str(told[-1]["id"]))
        return told

    def _note_rewrites(self, now: dict[str, int]) -> None:
        self.rewritten = any(now[tag] != self._rewrites.get(tag, now[tag]) for tag in now)
        self._rewrites = now

    def _packet(
        self,
        content: dict[str, object],
        series: list[Series],
        *,
        full: bool,
        answer: bool = False,
        coarse: bool = False,
    ) -> Packet:
        steps = [np.asarray(one.steps, dtype=np.float64) for one in series]
        values = [np.asarray(one.values, dtype=np.float32) for one in series]
        head = {
            "kind": "tick",
            "seq": self.seq,
            "full": full,
            "coarse": coarse or (not full and self.seq == 1 and any(len(one) < one.total for one in series)),
            "answer": answer,
            "anew": full and self.rewritten,
            "series": [[one.tag, len(one)] for one in series],
        }
        return Packet(head | content, [_joined(steps), _joined(values)])


def _shares(counts: Mapping[str, int], budget: int) -> dict[str, int]:
    """How many points of each tag fit into `budget` bytes; the last tags get none if it is too small.

    A curve that has a chart of its own gets four times as many as a line that shares one (`topic/key`).

    Args:
        counts: how many points each tag has.
        budget: bytes for their names and points.
    """
    weights: dict[str, int] = {}
    for tag, count in counts.items():
        cost = len(tag) + _HEAD + min(_FEWEST, count) * _POINT
        if budget < cost:
            break
        budget -= cost
        weights[tag] = 0 if count <= _FEWEST else 1 if "/" in tag else 4
    each = budget / _POINT / max(1, sum(weights.values()))
    return {tag: _FEWEST + int(each * weight) for tag, weight in weights.items()}


def _joined(parts: list[np.ndarray]) -> bytes:
    return b"".join(part.tobytes() for part in parts)


def _fitting(entries: list[description.Plain], budget: int = _WORDS) -> list[description.Plain]:
    """The first entries that fit into `budget` bytes, and one in any case."""
    kept: list[description.Plain] = []
    for entry in entries:
        budget -= len(json.dumps(entry, default=str))
        if budget < 0 and kept:
            break
        kept.append(entry)
    return kept
