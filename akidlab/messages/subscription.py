"""Subscriptions: which messages of some kinds are taken, one by one or in bundles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from akidlab.messages.bundle import Bundle
from akidlab.messages.message import Message


class Subscription:
    """Takes messages of some kinds and one tag, the first and then every `subsample`-th.

    Args:
        kinds: topics; None for all.
        tag: None for all.
        subsample: counted for each key and kind.

    Raises:
        ValueError: if `subsample` is no whole number above 0.

    Example:
        >>> subscription = Subscription(["loss"], subsample=2)
        >>> [len(subscription.take(Message("loss", step=step))) for step in (1, 2, 3)]
        [1, 0, 1]
    """

    def __init__(
        self, kinds: Iterable[str] | str | None, tag: str | None = "train", subsample: int = 1
    ) -> None:
        if isinstance(subsample, bool) or not isinstance(subsample, int) or subsample < 1:
            raise ValueError(f"`subsample` is a whole number of 1 or more, found {subsample!r}.")
        self.kinds: tuple[str, ...] | None
        self.kinds = (kinds,) if isinstance(kinds, str) else None if kinds is None else tuple(kinds)
        self.tag, self.subsample = tag, subsample
        self._counts: dict[object, int] = {}

    def wants(self, message: Message) -> bool:
        """True if the message is of its kinds and its tag."""
        return (self.tag is None or message.tag == self.tag) and (
            self.kinds is None or message.topic in self.kinds
        )

    def take(self, message: Message) -> Sequence[Any]:
        """What there is to process now that this message came; mostly the message, or nothing."""
        if not self.wants(message) or not self._counted((message.key, message.topic)):
            return ()
        return (message,)

    def _is_next(self, key: object) -> bool:
        return self._counts.get(key, 0) % self.subsample == 0

    def _counted(self, key: object) -> bool:
        """True if the one that is counted now is to be processed."""
        taken = self._is_next(key)
        self._counts[key] = self._counts.get(key, 0) + 1
        return taken


@dataclass
class _Shared:
    """What is said about the network belongs to every module, once."""

    data: Any
    used: set[str] = field(default_factory=set)


class SynchronizedSubscription(Subscription):
    """Takes messages in bundles: one for each module and step, as soon as all kinds were heard.

    What is said about the network as a whole (`input_labels`, say) goes into the bundle of each module. A
    module that never says one of the kinds gives no bundle. Tensors that wait for others are cloned, since
    what they show may be changed meanwhile.

    Args:
        kinds: topics.
        tag: None for all; those of different tags do not mix.
        subsample: counted for each key.

    Raises:
        ValueError: if there are no kinds, or `subsample` is no whole number above 0.

    Example:
        >>> subscription = SynchronizedSubscription(["weights", "weight_gradients"])
        >>> subscription.take(Message("weights", 4.0, step=1, key="fc"))
        []
        >>> subscription.take(Message("weight_gradients", 2.0, step=1, key="fc"))[0].data
        {'weights': 4.0, 'weight_gradients': 2.0}
    """

    kinds: tuple[str, ...]

    def __init__(self, kinds: Iterable[str] | str, tag: str | None = "train", subsample: int = 1) -> None:
        super().__init__(kinds, tag, subsample)
        if not self.kinds:
            raise ValueError(f"Name the topics that come together, found {kinds!r}.")
        self._step: int | None = None
        self._open: dict[tuple[str, str | None], dict[str, Any]] = {}
        self._shared: dict[tuple[str, str], _Shared] = {}

    def take(self, message: Message) -> Sequence[Bundle]:
        if not self.wants(message):
            return []
        if message.step != self._step:  # what is not complete by now never will be
            self._step = message.step
            self._open.clear()
            self._shared.clear()
        found, keys = self._put(message), [message.key]
        if message.key is None and len(found) < len(self.kinds):
            keys = [key for tag, key in self._open if tag == message.tag and key is not None]
        bundles = [self._complete(message, key) for key in keys]
        return [bundle for bundle in bundles if bundle is not None]

    def _put(self, message: Message) -> dict[str, Any]:
        tag, key = message.tag, message.key
        found = self._open.setdefault((tag, key), {})
        others = sum((tag, kind) in self._shared for kind in self.kinds if kind not in found)
        last = len(found) + others + 1 >= len(self.kinds) and key is not None
        found[message.topic] = data = message.data if last else self._kept(message)
        if key is None:
            self._shared[tag, message.topic] = _Shared(data)
        return found

    def _kept(self, message: Message) -> Any:
        if message.key is not None and not self._is_next((message.tag, message.key)):
            return None  # the bundle will be passed over
        clone = getattr(message.data, "clone", None)
        return message.data if clone is None else clone()

    def _complete(self, message: Message, key: str | None) -> Bundle | None:
        tag = message.tag
        data = dict(self._open[tag, key])
        if key is not None:
            for kind in self.kinds:
                shared = self._shared.get((tag, kind))
                if kind not in data and shared is not None and key not in shared.used:
                    data[kind] = shared.data
        if len(data) < len(self.kinds):
            return None
        for kind in self.kinds:
            if key is not None and (tag, kind) in self._shared:
                self._shared[tag, kind].used.add(key)
        self._open.pop((tag, key))
        if not self._counted((tag, key)):
            return None
        ordered = {kind: data[kind] for kind in self.kinds}
        return Bundle(self.kinds, ordered, key, message.step, message.epoch, tag, message.train_step)
