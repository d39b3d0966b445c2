"""The queue of a pool: the work that its ranks do, what waits for it, and what was done last."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from akidlab.dispatch.task import Outcome
from akidlab.errors import DispatchError

if TYPE_CHECKING:
    from akidlab.dispatch.work import Work

KEPT = 4  # that were done


class Queue:
    """One work at a time, the others in the order in which they came."""

    def __init__(self) -> None:
        self.active: Work | None = None
        self._waiting: deque[Work] = deque()
        self._done: dict[str, Work] = {}
        self._closing: list[threading.Thread] = []

    @property
    def all(self) -> list[Work]:
        """What is not done, the active one first."""
        return [*([self.active] if self.active else []), *self._waiting]

    @property
    def waiting(self) -> list[Work]:
        """What has not begun."""
        return list(self._waiting)

    def add(self, work: Work) -> None:
        """Put `work` at the end."""
        self._waiting.append(work)

    def next(self) -> Work:
        """The first that waits is the active one now."""
        self.active = self._waiting.popleft()
        return self.active

    def end(self, work: Work, outcome: Outcome) -> None:
        """Close a run, beside the ranks' next task."""
        work.is_closing = True
        if work is self.active:
            self.active = None
        elif work in self._waiting:
            self._waiting.remove(work)
        self._done.pop(work.task.uid, None)  # a run that moved away, and came again, was done just now
        self._done[work.task.uid] = work
        for uid in list(self._done)[:-KEPT]:
            del self._done[uid]
        closing = threading.Thread(target=work.close, args=(outcome,), name="akidlab-close")
        self._closing = [*(thread for thread in self._closing if thread.is_alive()), closing]
        closing.start()

    def wait_closed(self) -> None:
        """Wait until everything that was ended is in the store."""
        for thread in self._closing:
            thread.join()

    def find(self, uid: object) -> Work:
        """The work of a run.

        Raises:
            DispatchError: if it is not here, or was done long ago.
        """
        for work in [*self.all, *self._done.values()]:
            if work.task.uid == uid:
                return work
        raise DispatchError(f"The pool knows no run `{uid}`.")

    def before(self, work: Work) -> str | None:
        """The name of what must end before `work` begins."""
        ahead = self.all
        return ahead[ahead.index(work) - 1].name if work in ahead and ahead.index(work) else None
