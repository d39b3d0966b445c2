"""Gathering: what each rank says of its share, kept until all have said it, then merged."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from akidlab.errors import KindError
from akidlab.messages import Message, Samples
from akidlab.messages.merging import merge

log = logging.getLogger(__name__)

Line = tuple[str, str | None, str]  # topic, key, tag
WAIT = 1.0  # seconds for a rank that is past a step to say what it has to say of it
LONG = 10.0  # seconds for one that says nothing at all
MOST = 1000  # steps of one line that are kept


@dataclass
class _Part:
    """What was said of one step of one line, by which ranks."""

    of: dict[int, Message] = field(default_factory=dict)
    since: float = field(default_factory=lambda: time.monotonic())


class Gathering:
    """Puts together what ranks say of their shares, in the order of the steps.

    What one rank lacks (it was lost, or watches other steps) is not waited for much longer than it takes: a
    step is given out when every rank has spoken of it, has spoken of a later one, or is past it and silent.

    Args:
        size: the number of ranks.
        give: takes what is complete.
    """

    def __init__(self, size: int, give: Callable[[Message], object]) -> None:
        self.size, self._give = size, give
        self._lines: dict[Line, dict[int, _Part]] = {}
        self._given: dict[Line, int] = {}  # the last step of each line: what comes later of it came too late
        self._told: dict[tuple[Line, int], int] = {}  # of which step a rank spoke last
        self._steps: dict[int, int] = {}

    def hear(self, rank: int, message: Message) -> None:
        """Take what a rank says of its share."""
        line = message.topic, message.key, message.tag
        for part in _by_step(message):
            self._told[line, rank] = part.step
            if part.step > self._given.get(line, -1):
                self._lines.setdefault(line, {}).setdefault(part.step, _Part()).of[rank] = part
        self._give_out(line)

    def pass_by(self, rank: int, step: int) -> None:
        """A rank lives, and has made this step."""
        self._steps[rank] = step

    def look(self) -> None:
        """Give out what was waited for long enough."""
        for line in list(self._lines):
            self._give_out(line)

    def finish(self) -> None:
        """Give out all that is here."""
        for line in list(self._lines):
            self._give_out(line, all=True)

    def _give_out(self, line: Line, all: bool = False) -> None:
        parts = self._lines.get(line, {})
        for step in sorted(parts):
            part = parts[step]
            if not (all or len(parts) > MOST or self._is_due(line, step, part)):
                break
            del parts[step]
            self._given[line] = step
            self._give(_merged([part.of[rank] for rank in sorted(part.of)]))
        if not parts:
            self._lines.pop(line, None)

    def _is_due(self, line: Line, step: int, part: _Part) -> bool:
        missing = [rank for rank in range(self.size) if rank not in part.of]
        silent = [rank for rank in missing if self._told.get((line, rank), -1) < step]
        waited = time.monotonic() - part.since
        past = all(self._steps.get(rank, -1) >= step for rank in silent)
        return not silent or waited > LONG or (past and waited > WAIT)


def _merged(messages: list[Message]) -> Message:
    try:
        return merge(messages)
    except KindError:  # what a rank says under a name that another uses otherwise is no reason to stop
        log.exception("`%s` is not merged", messages[0].topic)
        return messages[0]


def _by_step(message: Message) -> Iterator[Message]:
    """A message for each of its steps; ranks may have sent them in other bundles."""
    data = message.data
    if not isinstance(data, Samples):
        yield message
        return
    for at, step in enumerate(data.steps):
        one = replace(
            data,
            steps=[step],
            values=[data.values[at]],
            times=[data.times[at]],
            weights=[data.weights[at]] if len(data.weights) else (),
        )
        yield replace(message, data=one, step=step)
