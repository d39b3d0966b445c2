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
from akidlab.wire import encode
from akidlab.worker.output import Stream

log = logging.getLogger(__name__)

INTERVAL = 0.1  # seconds


class Forwarder(Subscriber):
    """Gathers messages and output, and sends them in batches from a thread of its own.

    Args:
        tell: sends a dict to the supervisor.
    """

    topics = None

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self.run: str | None = None
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
        self._messages.append(message)

    def flush(self) -> None:
        """Send everything now."""
        with self._sending:
            for name, stream in self._streams.items():
                if text := stream.take():
                    self._tell({"kind": "output", "run": self.run, "stream": name, "text": text})
            messages = [self._messages.popleft() for _ in range(len(self._messages))]
            if messages:
                self._send(messages)

    def _send(self, messages: list[Message]) -> None:
        try:
            self._tell({"kind": "messages", "run": self.run, "messages": messages})
        except WireError:  # a tensor among them stays here; the others go
            plain = [message for message in messages if _may_travel(message)]
            self._tell({"kind": "messages", "run": self.run, "messages": plain})

    def _work(self) -> None:
        while not self._over.wait(INTERVAL):
            try:
                self.flush()
            except Exception:
                log.exception("could not forward")


def _may_travel(message: Message) -> bool:
    try:
        encode(message)
    except WireError:
        return False
    return True
