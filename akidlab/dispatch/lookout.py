"""The Lookout of a run: hears what its ranks measure, records it, and says which of them is not well."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from akidlab.dispatch.abreast import Abreast
from akidlab.dispatch.gauges import Gauges
from akidlab.dispatch.lens import Finding, Lens
from akidlab.dispatch.timeline import MOST, STEPS, Timeline
from akidlab.errors import DispatchError
from akidlab.messages import Event, Message, Status

log = logging.getLogger(__name__)

Body = dict[str, Any]


class Lookout:
    """What the supervisor knows of the ranks of one run.

    Args:
        record: takes a message for the store.
        write: shows a text of a rank to whoever watches.
        folder: where timelines go.

    Example:
        >>> lookout = Lookout(lambda message: None, lambda rank, text: None, Path("digits"))
        >>> lookout.begin([{"host": "here", "pid": 41}, {"host": "here", "pid": 42}])
        >>> lookout.rows[1]["state"]
        'running'
    """

    def __init__(
        self, record: Callable[[Message], object], write: Callable[[int, str], object], folder: Path
    ) -> None:
        self.rows: list[Body] = []  # of each rank what is known, in plain values
        self._record, self._write, self._folder = record, write, folder
        self._told: list[Body] = []
        self._is_over = False

    def begin(self, ranks: Sequence[Mapping[str, Any]]) -> None:
        """The run begins, or goes on, on these ranks."""
        hosts = [str(rank["host"]) for rank in ranks]
        fresh = {"state": "running", "step": 0, "checksum": None, "lags": 0.0, "drifts": 0}
        self.rows = [{"host": rank["host"], "pid": rank["pid"], **fresh} for rank in ranks]
        self._abreast, self._gauges = Abreast(len(hosts)), Gauges(len(hosts), self._record)
        self._lens, self._timeline = Lens(hosts), Timeline(hosts)
        self._tell()

    def hear(self, rank: int, said: Mapping[str, Any]) -> None:
        """Take what a rank measured of its steps; nonsense is logged, and nothing else."""
        try:
            self._hear(rank, said)
        except (KeyError, ValueError, TypeError, IndexError):
            log.exception("what rank %d measured", rank)

    def lose(self, rank: int) -> None:
        """A rank is lost, until the run goes on."""
        if rank < len(self.rows):
            self.rows[rank]["state"] = "lost"
            self._tell()

    def trace(self, steps: float | None, step: int) -> tuple[int, str]:
        """A timeline is asked for: of how many steps, and where the engine may put its own.

        Raises:
            DispatchError: if one is under way, or there is nothing to trace.
        """
        if len(self.rows) < 2:
            raise DispatchError("A timeline shows how ranks wait for each other; this run has one rank.")
        if self._timeline.step is not None:
            raise DispatchError("A timeline is being recorded already; it is there in a few steps.")
        self._folder.mkdir(parents=True, exist_ok=True)
        return min(MOST, int(steps or STEPS)), str(self._folder / self._timeline.ask(step)[1])

    def end(self, states: Mapping[int, str]) -> None:
        """The run is over; `states` are what became of the ranks that said so."""
        if self._is_over or not self.rows:
            return
        self._is_over = True
        self._gauges.tell()
        for rank, row in enumerate(self.rows):
            row["state"] = states.get(rank, "ended" if row["state"] == "running" else row["state"])
        self._tell()

    def _hear(self, rank: int, said: Mapping[str, Any]) -> None:
        if rank >= len(self.rows) or self._is_over:
            return
        for part in (self._gauges, self._timeline):
            part.look(rank, said["looks"])
        found = self._lens.compare(rank, said["sums"])
        if (block := self._abreast.hear(rank, said)) is not None:
            found += self._lens.look(block)
            self._gauges.take(block)
            self._timeline.take(block)
            for row in self.rows:
                row["step"] = int(block.steps[-1])
        for finding in found:
            self._warn(finding)
        if self._timeline.hear(rank, said["trace"]):
            self._write_timeline()
        if found or self._gauges.is_due:
            self._gauges.tell()
            self._tell()

    def _warn(self, finding: Finding) -> None:
        data = {"rank": finding.rank, "step": finding.step, **finding.data, "text": finding.text}
        self._record(Message("event", Event(finding.kind, data), step=finding.step))
        self._write(finding.rank, f"{finding.text}\n")

    def _write_timeline(self) -> None:
        name, own = f"timeline-{self._timeline.step}.json", f"timeline-{self._timeline.step}-horovod.json"
        try:
            held = self._timeline.write(self._folder / name)
        except OSError as error:
            log.warning("the timeline could not be written: %s", error)
            return
        if held is not None:
            more = {"engine": own} if _has_content(self._folder / own) else {}
            self._record(
                Message("event", Event("timeline", {"file": name, **held, **more}), step=held["last"])
            )

    def _tell(self) -> None:
        """Record what is known of each rank, if that is news."""
        for rank, row in enumerate(self.rows):
            row["checksum"] = self._lens.checked.get(rank, row["checksum"])
            row["lags"], row["drifts"] = (
                round(self._lens.lags.get(rank, 0.0), 2),
                self._lens.drifts.get(rank, 0),
            )
        if self.rows != self._told:
            self._told = [dict(row) for row in self.rows]
            self._record(Message("status", Status(None, {"ranks": self._told})))


def _has_content(path: Path) -> bool:
    """False, too, for the timeline of a Horovod that had nothing to do."""
    return path.exists() and path.stat().st_size > 0
