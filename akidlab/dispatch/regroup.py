"""Regroup: a run leaves its ranks after a step, and goes on with more or fewer, where the hosts are."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akidlab.messages import Command

if TYPE_CHECKING:
    from akidlab.dispatch.ranks import Ranks
    from akidlab.dispatch.work import Work

log = logging.getLogger(__name__)

LONG = 60.0  # seconds for the ranks to leave, or twenty steps' time; then they are ended as they are
SOON = 1.0  # seconds of waiting for hosts that are not worth a word


@dataclass
class Regroup:
    """Hosts have come or gone, and the ranks were asked to leave.

    Args:
        text: what is to be said of it.
    """

    text: str
    since: float = field(default_factory=time.monotonic)


def look(ranks: Ranks, work: Work | None) -> None:
    """Have the ranks leave if they should be elsewhere; without a run they are just launched anew."""
    if ranks.state != "ready" or ranks.placement is None:
        return
    if ranks.roster.suits(ranks.placement):
        return
    if work is None:
        log.info("the ranks leave %s", ranks.placement)
        ranks.regroup()
    elif work.regroup is None and not (work.reports or work.is_waiting or work.interrupts or work.treatment):
        wanted = ranks.roster.call()
        work.regroup = Regroup(f"The hosts were {ranks.placement}.")
        command = Command("ranks", 0 if wanted is None else wanted.total)
        ranks.tell({"kind": "command", "run": work.task.uid, "command": command}, rank=0)


def have_left(work: Work) -> bool:
    """True when the ranks have left the run because they were asked to: others are to go on."""
    reports = work.reports.values()
    return work.regroup is not None and all(report["status"] == "moved" for report in reports)


def leave(ranks: Ranks, work: Work) -> None:
    """Keep where they were, and launch others; if there is no room for that, it is as if one was lost."""
    report = work.reports[0]
    try:
        work.recovery.leave(int(report["step"]), report["weights"])
    except OSError as error:
        work.lose(0, f"The state of the run could not be kept: {error}.")
    work.reports.clear()
    ranks.regroup()


def is_late(work: Work) -> bool:
    """True if the ranks do not leave: one of them may hang, or its host be gone already."""
    regroup = work.regroup
    return regroup is not None and time.monotonic() - regroup.since > max(LONG, 20 * work.pace)


def wait(ranks: Ranks, work: Work) -> None:
    """Say, once, that the run waits for hosts."""
    if ranks.waited > SOON and not work.is_told_of_hosts:
        work.is_told_of_hosts = True
        text = f"The run waits for hosts, {ranks.roster.wait:.3g} s at most. {ranks.roster.describe()}"
        work.note("waiting_for_hosts", text=text)
        work.write(0, "stderr", f"{text}\n")
    elif ranks.waited == 0:
        work.is_told_of_hosts = False
