"""A Trace: what one rank does together with the others, operation by operation, for a number of steps."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from akidlab.worker.collectives import Collectives

log = logging.getLogger(__name__)

Record = Callable[["str | None"], object]  # an engine's own timeline, into a file, or its end


class Trace:
    """Notes every collective from the next step on, and has the engine write its own timeline.

    Args:
        collectives: tells of them.
        steps: for how many steps.
        file: where the engine's own timeline goes; None for none.
        record: begins that, and ends it when called with None.

    Example:
        >>> from akidlab import engines
        >>> from akidlab.worker.collectives import Collectives
        >>> engine = engines.get("single")
        >>> trace = Trace(Collectives(engine), 1, None, lambda file: None)
        >>> trace.after(7), engine.gather(1), trace.after(8)
        (None, [1], None)
        >>> trace.told["first"], trace.told["last"], trace.told["names"]
        (8, 8, ['gather'])
    """

    def __init__(self, collectives: Collectives, steps: int, file: str | None, record: Record) -> None:
        self.told: dict[str, Any] | None = None  # when it is complete
        self._collectives, self._steps, self._file, self._record = collectives, max(1, steps), file, record
        self._first = self._last = 0

    def after(self, step: int) -> None:
        """A step was averaged; called by the thread that trains."""
        if not self._first:
            self._first, self._last = step + 1, step
            self._collectives.noted = []
            self._own(self._file)
            return
        self._last = step
        if step - self._first + 1 >= self._steps:
            self.end()

    def end(self) -> None:
        """It is over, be it too early; a second time changes nothing."""
        if self.told is not None:
            return
        noted, self._collectives.noted = self._collectives.noted or [], None
        if self._first:
            self._own(None)
        names, began, ended = map(list, zip(*noted, strict=True)) if noted else ([], [], [])
        self.told = {"first": self._first, "last": self._last, "names": names, "began": began, "ended": ended}

    def _own(self, file: str | None) -> None:
        if self._file is None:
            return
        try:
            self._record(file)
        except Exception as error:  # the training goes on without it
            self._file = None
            log.warning("The engine's own timeline could not be recorded: %s", error)
