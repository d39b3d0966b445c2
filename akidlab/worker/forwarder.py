"""The Forwarder: takes what a rank says and writes to its supervisor, ten times a second."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from akidlab.errors import WireError
from akidlab.messages import Message, Subscriber
from akidlab.messages.merging import is_partial
from akidlab.wire import encode
from akidlab.worker.output import Stream

log = logging.getLogger(__name__)

INTERVAL = 0.1  # seconds


class Forwarder(Subscriber):
    """Gathers messages and output, and sends them in batches from a thread of its own.

    Of ranks beside rank 0 only what they say of their share is sent: the supervisor merges it. All else is
    the same on every rank.

    Args:
        tell: sends a dict to the supervisor.
        rank: the rank that it speaks for.
    """

    topics = None

    def __init__(self, tell: Callable[[dict[str, Any]], None], rank: int = 0) -> None:
        self._is_wanted = _may_be_told if rank == 0 else is_partial
        self.run: str | None = None
        self.cell: int | None = None  # of a notebook, which is to see what is written
        self._tell = tell
        self._messages: deque[Message] = deque()
        self._streams = {"stdout": Stream("stdout"), "stderr": Stream("stderr")}
        self._sending = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="akidlab-forwarder", daemon=True)

    def start(self) -> None:
        """Take over the standard streams and begin to send."""
        sys.stdout, sys.stderr = self._streams["stdout"], self._streams["stderr"]
        self._thread.start()

    def stop(self) -> None:
        """Send what is left."""
        self._over.set()
        self._thread.join()
        self.flush()

    def hear(self, message: Message) -> None:
        """Take a message; called by the thread that trains."""
        if self._is_wanted(message):
            self._messages.append(message)

    def flush(self) -> None:
        """Send everything now."""
        with self._sending:
            for name, stream in self._streams.items():
                if text := stream.take():
                    said = {"kind": "output", "run": self.run, "stream": name, "text": text}
                    self._tell(said if self.cell is None else {**said, "cell": self.cell})
            messages = [self._messages.popleft() for _ in range(len(self._messages))]
            if messages:
                self._send(messages)

    def _send(self, messages: list[Message]) -> None:
        try:
            self._tell({"kind": "messages", "run": self.run, "messages": messages})
        except WireError:  # a tensor among them stays here; the others go
            plain = [message for message in messages if _may_travel(message)]
            self._tell({"kind": "messages", "run": self.run, "messages": plain})

    def hurry(self) -> None:
        """Send everything now; what goes wrong is logged."""
        try:
            self.flush()
        except Exception:
            log.exception("could not forward")

    def _work(self) -> None:
        while not self._over.wait(INTERVAL):
            self.hurry()


def _may_be_told(message: Message) -> bool:
    return type(message.data).__module__.partition(".")[0] != "torch"  # a tensor never leaves its process


def _may_travel(message: Message) -> bool:
    try:
        encode(message)
    except WireError:
        return False
    return True
