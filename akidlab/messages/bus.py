"""The Bus: carries a message to whoever subscribed to its topic."""

from __future__ import annotations

import logging
import threading

from akidlab.messages.message import Message
from akidlab.messages.payload import Log
from akidlab.messages.subscriber import Subscriber

log = logging.getLogger(__name__)


class Bus:
    """Carries messages to subscribers, in the order in which they subscribed.

    A subscriber that raises is reported once and switched off; whoever published goes on.

    Example:
        >>> Bus().wanted("loss")
        False
    """

    def __init__(self) -> None:
        self._subscribers: tuple[Subscriber, ...] = ()
        self._lock = threading.Lock()

    @property
    def subscribers(self) -> tuple[Subscriber, ...]:
        """Who listens now."""
        return self._subscribers

    def subscribe(self, subscriber: Subscriber) -> None:
        """Let `subscriber` hear its topics from now on; a second time changes nothing."""
        with self._lock:
            if subscriber not in self._subscribers:
                self._subscribers = (*self._subscribers, subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Let `subscriber` hear nothing more; unknown ones are ignored."""
        with self._lock:
            self._subscribers = tuple(s for s in self._subscribers if s is not subscriber)

    def wanted(self, topic: str) -> bool:
        """True if somebody would hear `topic`: what nobody wants need not be computed."""
        return any(s.topics is None or topic in s.topics for s in self._subscribers)

    def publish(self, message: Message) -> None:
        """Hand `message` to everyone who subscribed to its topic."""
        for subscriber in self._subscribers:
            if subscriber.topics is None or message.topic in subscriber.topics:
                self._deliver(subscriber, message)

    def _deliver(self, subscriber: Subscriber, message: Message) -> None:
        try:
            subscriber.hear(message)
        except Exception as error:
            self.unsubscribe(subscriber)
            log.exception("A subscriber failed and was switched off: %r", subscriber)
            text = f"{type(subscriber).__name__} failed on `{message.topic}` and was switched off: {error!r}"
            self.publish(Message("log", Log(text, level="error"), step=message.step))
