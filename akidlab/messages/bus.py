"""The Bus: carries a message to whoever subscribed to its topic."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING

from akidlab.errors import unknown
from akidlab.messages.message import Message
from akidlab.messages.payload import Event, Log
from akidlab.messages.subscriber import Subscriber
from akidlab.messages.topics import RAW

if TYPE_CHECKING:
    from typing_extensions import Self

log = logging.getLogger(__name__)


class Bus:
    """Carries messages to subscribers, in the order in which they subscribed.

    A subscriber that raises is reported once and switched off; whoever published goes on. Topics that are
    registered belong to this bus alone. In a `with` it is the bus that exporters and metrics find.

    Args:
        name: what it is called.

    Example:
        >>> Bus().wanted("loss")
        False
        >>> with Bus("mine"):
        ...     get_default_bus().name
        'mine'
    """

    def __init__(self, name: str = "default") -> None:
        self.name = name
        self._subscribers: tuple[Subscriber, ...] = ()
        self._routes: dict[tuple[str, str], tuple[Subscriber, ...]] = {}
        self._topics: Counter[str] = Counter()
        self._tokens: list[Token[Bus]] = []
        self._lock = threading.Lock()
        self.on_change: list[Callable[[], object]] = []  # called when somebody came or left

    # -- who listens

    @property
    def subscribers(self) -> tuple[Subscriber, ...]:
        """Who listens now."""
        return self._subscribers

    def subscribe(self, subscriber: Subscriber) -> None:
        """Let `subscriber` hear its topics from now on; a second time changes nothing."""
        with self._lock:
            if subscriber in self._subscribers:
                return
            self._let((*self._subscribers, subscriber))
        self._changed()

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Let `subscriber` hear nothing more; unknown ones are ignored."""
        with self._lock:
            self._let(tuple(s for s in self._subscribers if s is not subscriber))
        self._changed()

    def _let(self, subscribers: tuple[Subscriber, ...]) -> None:
        self._subscribers = subscribers
        self._routes = {}  # after the line above: a route found now is written to the old dict

    def _changed(self) -> None:
        for function in list(self.on_change):
            function()

    def wanted(self, topic: str, tag: str = "train") -> bool:
        """True if somebody would hear `topic` under `tag`: what nobody wants need not be computed."""
        return bool(self.hearers(topic, tag))

    def hearers(self, topic: str, tag: str = "train") -> tuple[Subscriber, ...]:
        """Those who hear `topic` under `tag`: looked for once, since every step asks."""
        routes = self._routes
        found = routes.get((topic, tag))
        if found is None:
            found = routes[topic, tag] = tuple(s for s in self._subscribers if _hears(s, topic, tag))
        return found

    def publish(self, message: Message) -> None:
        """Hand `message` to everyone who subscribed to its topic."""
        for subscriber in self.hearers(message.topic, message.tag):
            try:
                subscriber.hear(message)
            except Exception as error:
                self.switch_off(subscriber, message, error)

    def switch_off(self, subscriber: Subscriber, message: Message, error: Exception) -> None:
        """Let a subscriber that failed hear nothing more, and say so once."""
        log.error("A subscriber failed and was switched off: %r", subscriber, exc_info=error)
        if subscriber not in self._subscribers:
            return
        self.unsubscribe(subscriber)
        text = f"{type(subscriber).__name__} failed on `{message.topic}` and was switched off: {error!r}"
        for topic, data in (
            ("log", Log(text, level="error")),
            ("event", Event("warning", {"text": text, "step": message.step})),
        ):
            self.publish(Message(topic, data, step=message.step, epoch=message.epoch))

    # -- what it is about

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that are registered here, in the order of the alphabet."""
        return tuple(sorted(self._topics))

    def register_topic(self, *names: str) -> None:
        """Say that somebody publishes these topics here; each time wants a `deregister_topic`.

        Raises:
            ValueError: if a name is empty or has a slash, which parts a topic from a key.
        """
        for name in names:
            if not name or "/" in name:
                raise ValueError(f"A topic is a word without slashes, found {name!r}.")
        with self._lock:
            self._topics.update(names)

    def deregister_topic(self, *names: str) -> None:
        """Say that nobody publishes these topics any more; unknown ones are ignored."""
        with self._lock:
            self._topics.subtract(name for name in names if name in self._topics)
            self._topics = +self._topics

    def check(self, topic: str) -> str:
        """Give back `topic`, if it may be published here.

        Raises:
            UnknownNameError: if topics are registered here, and this is none of them.
        """
        if self._topics and topic not in self._topics:
            raise unknown("topic", topic, self.topics)
        return topic

    # -- the one that is found

    def __enter__(self) -> Self:
        self._tokens.append(_current.set(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.reset(self._tokens.pop())

    def __repr__(self) -> str:
        return f"Bus({self.name!r}, {len(self._subscribers)} subscribers)"


def get_default_bus() -> Bus:
    """The bus of the `with` that we are in, else the one called `default`."""
    return _current.get()


def _hears(subscriber: Subscriber, topic: str, tag: str) -> bool:
    """Tensors are heard by those who ask for them by name: a recorder of all could do nothing with them."""
    if subscriber.tag != tag and (subscriber.tag is not None or tag == "raw"):
        return False
    return topic not in RAW if subscriber.topics is None else topic in subscriber.topics


MessageBus = Bus  # Ikkuna's name
_current: ContextVar[Bus] = ContextVar("bus", default=Bus())  # noqa: B039  # the one default is shared on purpose
