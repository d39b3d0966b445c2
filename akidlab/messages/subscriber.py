"""Subscribers: whoever wants to hear about some topics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

from akidlab.messages.message import Message


class Subscriber(ABC):
    """Hears the messages of its topics; `None` stands for every topic."""

    topics: frozenset[str] | None = None

    @abstractmethod
    def hear(self, message: Message) -> None:
        """Take one message; called in the thread that published it, so be quick."""


class CallbackSubscriber(Subscriber):
    """Calls a function with each message.

    Example:
        >>> from akidlab.messages import Bus
        >>> bus, heard = Bus(), []
        >>> bus.subscribe(CallbackSubscriber(heard.append, topics=["loss"]))
        >>> bus.publish(Message("loss", 0.5, step=1))
        >>> heard[0].data
        0.5
    """

    def __init__(self, callback: Callable[[Message], None], *, topics: Iterable[str] | None = None) -> None:
        self.callback = callback
        self.topics = None if topics is None else frozenset(topics)

    def hear(self, message: Message) -> None:
        self.callback(message)
