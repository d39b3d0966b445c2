"""Refusals: whom and what a listener turned away, in a log that a flood of them does not fill."""

from __future__ import annotations

import logging
import time

import zmq
from zmq.utils.monitor import parse_monitor_message

QUIET = 10.0  # seconds between two lines about the same
FAILED = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)


class Refusals:
    """Logs the first refusal of each kind at once, and how many came after it every ten seconds.

    Args:
        log: where to.
        name: who refuses.

    Example:
        >>> refusals = Refusals(logging.getLogger("akidlab.doc"), "door")
        >>> for _ in range(1000):
        ...     refusals.note("turned a caller away: wrong key")  # one line
        >>> refusals.count
        1000
    """

    def __init__(self, log: logging.Logger, name: str) -> None:
        self.count = 0
        self._log, self._name = log, name
        self._said: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def note(self, what: str, error: BaseException | None = None) -> None:
        """Refuse something: `what` says what was done, `error` why."""
        self.count += 1
        now = time.monotonic()
        self._unsaid[what] = self._unsaid.get(what, 0) + 1
        if now - self._said.get(what, -QUIET) < QUIET:
            return
        times = self._unsaid.pop(what)
        self._said[what] = now
        often = f" ({times} times)" if times > 1 else ""
        self._log.warning("%s %s%s", self._name, what, often, exc_info=error)

    def hear(self, event: list[bytes]) -> None:
        """An event of the socket's monitor: somebody who did not come as far as the door."""
        if parse_monitor_message(event)["event"] & FAILED:
            self.note("turned a caller away: no handshake")
