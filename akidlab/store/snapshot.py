"""A Snapshot: what the store says about one run at one moment."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, field, fields

from akidlab.store.liveness import LIVE, Writer


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One row of the table of runs.

    `status` is the last that the run said of itself; `standing` is `lost` where its process died without a
    word. `sat_down` is when the current sitting began (a resumed run has several). All times are in seconds
    since the epoch.
    """

    id: int
    uid: str
    name: str
    parent: str | None
    status: str
    error: str | None
    config: str = field(repr=False)
    info: str = field(repr=False)
    step: int
    epoch: int
    max_steps: int | None
    world_size: int
    samples_per_second: float | None
    created: float
    started: float | None
    sat_down: float | None
    ended: float | None
    seconds_before: float
    heartbeat: float
    pid: int
    pid_started: float | None
    host: str
    machine: str

    @property
    def writer(self) -> Writer:
        """The process that writes the run."""
        return Writer(self.pid, self.pid_started, self.host, self.machine)

    @property
    def standing(self) -> str:
        """`status`, or `lost` if the run should be alive and its process is not."""
        if self.status in LIVE and not self.writer.is_alive(self.heartbeat):
            return "lost"
        return self.status

    @property
    def is_live(self) -> bool:
        """True while something trains, or waits to."""
        return self.standing in LIVE

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, over all sittings."""
        if self.sat_down is None:
            return self.seconds_before
        end = self.ended or (time.time() if self.is_live else self.heartbeat)
        return self.seconds_before + max(0.0, end - self.sat_down)

    @property
    def progress(self) -> float | None:
        """The share of the steps that is done, 0 to 1; None if nobody said how many there will be."""
        return min(1.0, self.step / self.max_steps) if self.max_steps else None


SELECT = f"SELECT {', '.join(field.name for field in fields(Snapshot))} FROM runs"


def one(db: sqlite3.Connection, where: str, *values: object) -> Snapshot | None:
    """The run for which `where` holds, if any."""
    row = db.execute(f"{SELECT} WHERE {where}", values).fetchone()
    return Snapshot(*row) if row else None
