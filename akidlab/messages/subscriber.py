"""Subscribers: whoever wants to hear about some topics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

from akidlab.messages.message import Message
from akidlab.messages.several import Several
from akidlab.messages.subscription import Subscription, SynchronizedSubscription


class Subscriber(ABC):
    """Hears the messages of its topics; what it asks for is fixed once it has subscribed.

    `topics` are the topics it hears; None stands for all but those that carry tensors or are told at every
    step. `tag` is the tag it hears, None stands for all (but `raw`, which must be named).
    """

    topics: frozenset[str] | None = None
    tag: str | None = None

    @abstractmethod
    def hear(self, message: Message) -> None:
        """Take one message; called in the thread that published it, so be quick.

        A tensor in it may be changed by the next layer, or by the optimiser: clone what you keep.
        """

    def hear_all(self, several: Several) -> None:
        """Take what is said at once; who gains by taking it together does so, and keeps to its topics."""
        for message in several:
            if self.topics is not None and message.topic in self.topics:
                self.hear(message)


class CallbackSubscriber(Subscriber):
    """Calls a function with each message.

    Args:
        callback: called with each message; with each `Bundle`, if they come together.
        topics: what to hear; None for all topics but those that carry tensors.
        tag: the tag to hear, None for all.
        subsample: hear the first and then every so many, counted for each module and topic.
        together: gather the messages of a step that are about the same module into one bundle.

    Raises:
        ValueError: if `together` lacks topics, or a number makes no sense.

    Example:
        >>> from akidlab.messages import Bus
        >>> bus, heard = Bus(), []
        >>> bus.subscribe(CallbackSubscriber(heard.append, topics=["loss"]))
        >>> bus.publish(Message("loss", 0.5, step=1))
        >>> heard[0].data
        0.5
    """

    def __init__(
        self,
        callback: Callable[[Any], object],
        *,
        topics: Iterable[str] | None = None,
        tag: str | None = None,
        subsample: int = 1,
        together: bool = False,
    ) -> None:
        kinds = [topics] if isinstance(topics, str) else None if topics is None else list(topics)
        self.callback, self.tag = callback, tag
        self.topics = None if kinds is None else frozenset(kinds)
        self._subscription: Subscription | None = None
        if together:
            self._subscription = SynchronizedSubscription(kinds or (), tag, subsample)
        elif subsample != 1:
            self._subscription = Subscription(kinds, tag, subsample)

    def hear(self, message: Message) -> None:
        if self._subscription is None:
            self.callback(message)
        else:
            for taken in self._subscription.take(message):
                self.callback(taken)
