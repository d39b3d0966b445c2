"""Commits: a rank notes every so many steps where its kid stands, where that outlives this process."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akidlab.dispatch import commits
from akidlab.kids import checkpoint, commit

if TYPE_CHECKING:
    from akidlab.kids import Kid

SHARE = 0.01  # of the time, at most, goes into commits
FIRST = 10  # steps until the first one, which tells how long one takes
KEPT = 2  # ranks are never further apart


class Commits:
    """Commits the kid of this rank, and puts it where it was after a fault.

    Args:
        places: folders, the best one first; the next is taken where one is full.
        every: commit after so many steps; None for as often as costs a hundredth of the time.
        resume: what to go on from: a `step`, or the `path` of a checkpoint; None at first.
        flush: sends what the kid has said so far: what a commit ends shall not be lost with this process.
    """

    def __init__(
        self,
        places: list[Path],
        every: int | None = None,
        resume: dict[str, Any] | None = None,
        flush: Callable[[], object] = lambda: None,
    ) -> None:
        self.places, self.every, self.resume = places, every, resume
        self.due = 0  # at which step the next one is; the same on all ranks
        self._flush = flush
        self._written: deque[Path] = deque()
        self._overhead = 0.0
        self._is_full = False

    def after(self, step: int) -> int:
        """The step of the next commit, for a kid that has made `step`."""
        if not self.due:
            self.due = step + (self.every or FIRST)
        return max(self.due, step + 1)

    def make(self, kid: Kid) -> None:
        """Commit; every rank calls it after the same step."""
        began = time.perf_counter()
        if kid.report is not None and kid.report.losses:
            kid.report.flush(final=True)
        self._flush()
        self._write(kid)
        self.due = kid.step + (self.every or self._agree(kid, time.perf_counter() - began))

    def restore(self, kid: Kid) -> bool:
        """Put `kid` where the supervisor says; False if it begins at the beginning."""
        self._written = self._left(kid.engine.rank)
        if self.resume is None:
            return False
        if path := self.resume.get("path"):
            checkpoint.load(kid, Path(path).read_bytes())
        else:
            step, rank = self.resume["step"], kid.engine.rank
            everything, own = (commits.find(self.places, step, number) for number in (0, rank))
            if everything is None:
                raise FileNotFoundError(f"Nobody has committed step {step} in {self.places}.")
            commit.restore(kid, everything, own)
        return True

    def _left(self, rank: int) -> deque[Path]:
        """What an earlier process of this rank wrote, without what the run has gone back behind."""
        last = -1 if self.resume is None else self.resume["step"]
        left: list[tuple[int, Path]] = []
        for step, path in commits.of_rank(self.places, rank):
            if step > last:
                path.unlink(missing_ok=True)
            else:
                left.append((step, path))
        return deque(path for _, path in sorted(left))

    def _write(self, kid: Kid) -> None:
        error: OSError | None = None
        written = self._written
        for place in self.places:
            path = place / commits.name(kid.step, kid.engine.rank)
            try:
                commit.write(kid, path)
            except OSError as found:
                error = found
                continue
            if path not in written:
                written.append(path)
            while len(written) > KEPT:
                written.popleft().unlink(missing_ok=True)
            return
        if not self._is_full and kid.report is not None:
            self._is_full = True
            kid.report.warn(
                f"Step {kid.step} could not be committed: {error}. If a rank is lost, the run goes on"
                " from its last checkpoint."
            )

    def _agree(self, kid: Kid, took: float) -> int:
        """After how many steps the next one is: rank 0, which writes most, tells all."""
        began = time.perf_counter()
        pace = kid.step_time or took
        steps = math.ceil((took + self._overhead) / (SHARE * pace)) if kid.engine.rank == 0 else 0
        told = kid.engine.sum({"steps": float(steps)})
        self._overhead = time.perf_counter() - began
        return max(1, round(told["steps"]))
