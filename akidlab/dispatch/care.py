"""Care: how the run that the ranks are at is brought to its end, or through the loss of a rank."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from akidlab.dispatch import regroup
from akidlab.dispatch.ranks import Loss, Ranks
from akidlab.dispatch.task import Outcome
from akidlab.dispatch.treatment import Treatment

if TYPE_CHECKING:
    from akidlab.dispatch.doctor import Hang
    from akidlab.dispatch.work import Work

ALONE = 1.2  # seconds for the other ranks to end after one has failed
PARTED = 2.0  # seconds to find the rank that died where the others only say that they lost it
INTERRUPTED = 1.3  # seconds for a run to end by itself after an interrupt


class Care:
    """Sees what became of the ranks of the active run, and does what follows from it.

    Args:
        ranks: of the pool.
        end: ends a run.
        is_held: true while a notebook has the ranks of a run stand still.
        is_leaving: true when no run is to go on.
    """

    def __init__(
        self,
        ranks: Ranks,
        end: Callable[[Work, Outcome], object],
        is_held: Callable[[Work], bool],
        is_leaving: Callable[[], bool],
    ) -> None:
        self._ranks, self._end, self._is_held, self._is_leaving = ranks, end, is_held, is_leaving

    def see_to(self, work: Work) -> None:
        """See whether the active run is over, must be brought to an end, or has lost a rank."""
        if work.is_waiting:  # until there are other ranks
            regroup.wait(self._ranks, work)
            return
        if loss := self._ranks.lost():
            self.lose(work, loss)
        elif work.treatment is not None and work.treatment.has_begun:
            self._treat(work, work.treatment.hang)
        elif len(work.reports) == self._ranks.size and regroup.have_left(work):
            regroup.leave(self._ranks, work)
        elif regroup.is_late(work):
            self.lose(work, Loss(0, "The ranks did not leave when the hosts changed."))
        elif len(work.reports) == self._ranks.size:
            if work.is_only_cut_off:
                self._press(work, work.failed or 0.0, PARTED, PARTED)
                return
            self._end(work, work.judge())
            if any(report["raised"] for report in work.reports.values()):
                self._ranks.settle()
        elif work.failed is not None:
            patience = PARTED if work.is_only_cut_off else ALONE
            self._press(work, work.failed, 0.4, patience)
        elif work.interrupted is not None:
            patience = 0.0 if work.interrupts > 1 else max(INTERRUPTED, 1.5 * work.pace + 0.5)
            self._press(work, work.interrupted, patience, patience + 0.4)
        elif self._is_held(work):
            pass  # a notebook has them stand still
        elif (hang := work.doctor.look(self._ranks.vital)) is not None:
            self._treat(work, hang)
        elif work.treatment is not None:
            took, work.treatment = work.doctor.recovered(work.treatment.hang), None
            work.write(0, "stderr", f"The ranks go on, after {took:.0f} s.\n")
        elif (text := work.stalled()) is not None:
            work.note("warning", text=text)
            work.write(0, "stderr", f"{text}\n")

    def lose(self, work: Work, loss: Loss) -> None:
        """A rank is gone: have the run go on with other ranks, or end it."""
        if work.treatment is not None and work.treatment.has_begun:
            hang = work.treatment.hang
            loss = Loss(hang.rank, f"{hang.why}\n{work.doctor.describe()}")
        is_unwanted = work.interrupted is not None or self._is_leaving()
        if work.is_done or is_unwanted or not (loss.came_from_outside and work.recovery.is_possible):
            self._end(work, work.judge(loss))
        else:
            work.lose(loss.rank, loss.text)
        self._ranks.replace(loss.text)

    def _treat(self, work: Work, hang: Hang) -> None:
        """Say which rank hangs, and where all of them are; when it is time, break it off."""
        if work.treatment is None:
            work.treatment = Treatment(hang)
            text = f"{hang.why}\n{work.doctor.describe()}"
            work.note("warning", text=text, rank=hang.rank)
            work.write(hang.rank, "stderr", f"{text}\n")
        work.treatment.renew(hang)
        rank = work.treatment.hang.rank
        known = self._ranks.known.get(rank)
        if known is None:
            return
        if work.treatment.has_failed:
            self.lose(work, Loss(rank, hang.why))
        elif done := work.treatment.proceed(known.pid, lambda pid, number: self._ranks.kill(rank, number)):
            work.write(rank, "stderr", f"Rank {rank} is {done}.\n")

    def _press(self, work: Work, since: float, nudge: float, give_up: float) -> None:
        """Interrupt the ranks that have not reported, twice; then do without them."""
        waited = time.monotonic() - since
        if waited >= give_up and work.is_only_cut_off:
            rank, report = next((n, r) for n, r in work.reports.items() if r["status"] == "failed")
            self.lose(
                work, Loss(rank, f"Rank {rank} lost the others: {report['short']}\n\n{report['error']}")
            )
        elif waited >= give_up:
            missing = [rank for rank in range(self._ranks.size) if rank not in work.reports]
            self._end(work, work.judge())
            self._ranks.replace(f"rank {', '.join(map(str, missing))} did not end with the others")
        elif waited >= nudge + 0.2 * work.nudges and work.nudges < 2:
            work.nudges += 1
            for rank in range(self._ranks.size):
                if rank not in work.reports:
                    self._ranks.tell({"kind": "interrupt", "run": work.task.uid, "hard": True}, rank=rank)
