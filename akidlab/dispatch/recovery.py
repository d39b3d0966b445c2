"""Recovery: what a run needs to go on when it loses a rank, and from which step it does."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from akidlab.dispatch import commits
from akidlab.dispatch.task import Task
from akidlab.messages import Command, Event, Message, Samples

log = logging.getLogger(__name__)

RESTARTS = 3


@dataclass(frozen=True)
class Lost:
    """The loss of a rank, or of none where the run only leaves its ranks for others, until it goes on."""

    rank: int | None
    why: str
    since: float


class Recovery:
    """Knows what of a run is safe, and goes back to it.

    Args:
        task: what the run is.
        size: the number of ranks.
        folder: where its checkpoints are.
    """

    def __init__(self, task: Task, size: int, folder: Path) -> None:
        told = task.options.get("max_restarts")
        self.restarts = RESTARTS if told is None else int(told)
        self.losses = 0  # how often a rank was lost
        self.lost: Lost | None = None
        self._start = int(task.options.get("start") or 0)  # the step that the task brings along
        self.reached = self._start  # the last step that was heard of
        self.recorded = self._start  # the last step of which there is a sample
        self._uid, self._every = task.uid, task.options.get("commit_every")
        self.size, self._folder = size, folder
        self._places: list[Path] = []
        self._begin: dict[str, Any] = {"step": self._start, "path": None}
        self._sent: dict[str, tuple[Command, float]] = {}  # with the step at which they were obeyed

    @property
    def is_possible(self) -> bool:
        """True if it may lose one more rank."""
        return self.losses < self.restarts

    def hear(self, message: Message) -> None:
        """Take what rank 0 says that is recorded."""
        data = message.data
        self.reached = max(self.reached, message.step)
        if isinstance(data, Samples) and len(data.steps):
            self.recorded = max(self.recorded, int(data.steps[-1]))
        elif isinstance(data, Event) and (sent := self._sent.get(str(data.data.get("id")))):
            self._sent[sent[0].id] = sent[0], message.step

    def sent(self, command: Command) -> None:
        """A command is on its way; if a rank is lost before it is sure to count, it is sent again."""
        self._sent[command.id] = command, float("inf")

    def lose(self, rank: int, why: str) -> None:
        """A rank is lost."""
        self.losses += 1
        self.lost = Lost(rank, why, time.monotonic())

    def keep(self, rank: int, name: str, data: bytes) -> None:
        """A rank on another host has committed; where there is no room, an earlier commit must do."""
        try:
            commits.keep(self._places, rank, name, data)
        except OSError as error:
            log.warning("the commit %s could not be kept: %s", name, error)

    def leave(self, step: int, state: bytes) -> None:
        """The ranks have left the run after the same step: others go on from there.

        Raises:
            OSError: if there is no room for the state.
        """
        self.lost = Lost(None, "", time.monotonic())
        self._places = self._places or commits.folders(self._uid, self._folder)
        path = commits.write_state(self._places, step, state)  # where that fails, the commits are needed
        commits.clear(self._places, but=path)
        self._begin = {"step": step, "path": str(path)}
        self.recorded = max(self.recorded, step)

    def go_back(self, size: int) -> tuple[dict[str, Any] | None, list[Command]]:
        """What to go on from, a `step` or the `path` of a checkpoint, and what to command again.

        It is the newest commit, or checkpoint, whose steps were all recorded: what a rank had not yet told
        when it died is not left out. None is where the task itself begins.

        Args:
            size: how many ranks go on.
        """
        self.lost = None
        found = self._newest()
        step = found["step"]
        again = [command for command, obeyed in self._sent.values() if obeyed > step]
        self._sent, self.recorded, self.reached = {}, step, step
        if size != self.size:  # what fewer committed is not whole for more, but can be begun with
            self._begin, self.size = found, size
        return (None if found == {"step": self._start, "path": None} else found), again

    def state(self) -> bytes | None:
        """Where the run would go back to, as a checkpoint; None where that is where it began."""
        found = self._newest()
        try:
            if found["path"] is not None:
                return Path(found["path"]).read_bytes()
            everything = commits.find(self._places, found["step"], rank=0)
            return None if everything is None else commits.as_checkpoint(everything.read_bytes())
        except (OSError, ValueError, KeyError) as error:
            log.warning("the commit of step %s could not be read: %s", found["step"], error)
            return None

    def _newest(self) -> dict[str, Any]:
        found, whole = self._begin, commits.whole(self._places, self.size)
        steps = [step for step in whole if step <= self.recorded] or whole[:1]
        if steps and steps[0] > found["step"]:
            found = {"step": steps[0], "path": None}
        saved = commits.checkpoint(self._folder)
        if saved is not None and found["step"] < saved[0] <= self.recorded:
            found = {"step": saved[0], "path": str(saved[1])}
        return found

    def orders(self, resume: dict[str, Any] | None) -> dict[str, Any] | None:
        """What the ranks are told of their commits; None if there is no need of any."""
        if self.restarts < 1 and resume is None:
            return None
        if not self._places:
            commits.forget_the_dead()
            self._places = commits.folders(self._uid, self._folder)
        return {"places": list(map(str, self._places)), "every": self._every, "resume": resume}

    def clear(self) -> None:
        """The run is over."""
        commits.clear(self._places)
