"""A Metric: a subscriber that computes one number of what it hears, and publishes it."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from akidlab.errors import MetricError
from akidlab.messages import (
    Bundle,
    Bus,
    CallbackSubscriber,
    Message,
    Samples,
    Subscriber,
    Subscription,
    SynchronizedSubscription,
    get_default_bus,
)
from akidlab.metrics.kinds import check as check_kind
from akidlab.metrics.kinds import listed
from akidlab.metrics.pending import Pending, Place
from akidlab.options import Options, check, signature

if TYPE_CHECKING:
    from typing_extensions import Self

Said = Message | Bundle
Value = float | Tensor

_LOCAL = ("activations", "layer_gradients", "input_data", "input_labels", "network_output", "loss")


class Metric(Options, Subscriber):
    """Computes one number of each message, or of each bundle of messages, and publishes it.

    What was computed in a step is moved to the host at the end of the step, all at once, and published as
    `Samples` under the key of the module that it is about: `weights_norm2/conv1`. It subscribes when it is
    made. A subclass says what it computes, and may change the attributes below.

    Attributes:
        name: what its topic ends with, and what a plug-in is best called.
        kinds: the topics that it hears if none are given; then those that it was given.
        of_network: True if the topic is the name alone, as `train_accuracy`.
        takes: how many topics are computed with together; with 1, each topic is computed with by itself.
        merges: how the numbers of several ranks, or of the parts of a batch whose gradients are accumulated,
            become one: `mean` (weighted), `sum`, `max` or `min`. None if every rank has the same.
        leaves_out_nan: True if NaN only says that the number is not defined there.

    Args:
        kinds: topics, such as `weights`, each a name or several of them in a list; or groups of them, such as
            `gradients`, for which it is computed one by one.
        bus: where to hear and publish; by default that of the `with` one is in.
        tag: the tag to hear: `train`, `eval`, None for all.
        subsample: compute with the first and then with every so many, counted for each module and topic.
        publish: the topic to publish under; `auto` for `<topic>_<name>`.

    Raises:
        MetricError: if the number of topics does not fit.
        UnknownNameError: if a topic is a slip for one that is known.
        OptionError: if an option is given that is not taken.

    Example:
        >>> from akidlab.messages import Bus, CallbackSubscriber, Message
        >>> class SpreadSubscriber(Metric):
        ...     name = "spread"
        ...     kinds = ("weights",)
        ...
        ...     def compute(self, said):
        ...         return said.data.max() - said.data.min()
        >>> bus = Bus()
        >>> metric = SpreadSubscriber(bus=bus)
        >>> bus.publish(Message("weights", torch.tensor([1.0, 4.0]), step=1, key="fc"))
        >>> bus.publish(Message("batch_finished", step=1))
        >>> metric.topics_published, metric.values
        (('weights_spread',), {'weights_spread/fc': 3.0})
    """

    name: ClassVar[str] = ""
    kinds: tuple[str, ...] = ("weights",)
    takes: ClassVar[int] = 1
    of_network: ClassVar[bool] = False
    merges: ClassVar[str | None] = None
    leaves_out_nan: ClassVar[bool] = False
    ends: ClassVar[tuple[str, ...]] = ("batch_finished", "step_finished")  # when it publishes

    def __new__(cls, *args: Any, **options: Any) -> Self:
        if all(p.kind is not p.VAR_KEYWORD for p in signature(cls).parameters.values()):
            check(cls, options)
        return super().__new__(cls, *args, **options)

    def __init__(
        self,
        *kinds: str | Sequence[str],
        bus: Bus | None = None,
        tag: str | None = "train",
        subsample: int = 1,
        publish: str = "auto",
    ) -> None:
        self.bus = get_default_bus() if bus is None else bus
        self.kinds = self._chosen(kinds)
        self.values: dict[str, float] = {}  # what it published last, by topic and key
        self._topic, self._pending = publish, Pending(self.merges)
        take = SynchronizedSubscription if self.takes > 1 else Subscription
        self._subscription = take(self.kinds, tag, subsample)
        self.tag, self.topics = tag, frozenset(self.kinds)
        self._listen()

    # -- what a subclass says

    @abstractmethod
    def compute(self, said: Any) -> Value | Mapping[str, Value] | None:
        """The number for a `Message` (or for a `Bundle`, where it takes several topics).

        A tensor of one element may stay on its device. Several numbers are told by name; None for none.
        """

    def conclude(self, message: Message) -> Mapping[str, Value] | None:
        """Numbers that are known only when the step is over, by topic; they are about the network."""

    @property
    def waits_for(self) -> str:
        """What it has to see before it publishes, told where a run ends before; empty for nothing."""
        return ""

    @property
    def suffix(self) -> str:
        """What the topic ends with."""
        return self.name

    def weight_of(self, said: Said) -> float:
        """How much the number counts beside those of other ranks; by default how many elements it is of."""
        data = said.data[self.kinds[0]] if isinstance(said, Bundle) else said.data
        return float(data.numel()) if isinstance(data, Tensor) else 1.0

    # -- what it publishes

    @property
    def topics_published(self) -> tuple[str, ...]:
        """The topics under which it publishes."""
        return tuple(dict.fromkeys(self.topic_of(kind) for kind in self._heads()))

    def topic_of(self, kind: str) -> str:
        """The topic for what is computed with `kind`."""
        if self._topic != "auto":
            return self._topic
        if self.of_network:
            return self.suffix
        return "_".join((*(self.kinds if self.takes > 1 else (kind,)), self.suffix))

    def close(self) -> None:
        """Hear and publish nothing more; a second time does nothing."""
        for subscriber in self._subscribers:
            self.bus.unsubscribe(subscriber)
        self._subscribers = ()
        self.bus.deregister_topic(*self._registered)
        self._registered = ()

    # -- how

    def hear(self, message: Message) -> None:
        for said in self._subscription.take(message):
            self._keep(said, self.compute(said))
        if message.topic in self.ends:
            self._finish(message)

    def _keep(self, said: Said, found: Value | Mapping[str, Value] | None) -> None:
        kind = said.kinds[0] if isinstance(said, Bundle) else said.topic
        for name, value in _named(found, said.key):
            place = Place(self.topic_of(kind), name, said.step, said.epoch, said.tag, kind)
            self._pending.add(place, value, self.weight_of(said))

    def _end(self, message: Message) -> None:
        try:
            self._finish(message)
        except Exception:
            self.bus.unsubscribe(self)  # the bus switches off this ear alone
            raise

    def _finish(self, message: Message) -> None:
        for topic, value in (self.conclude(message) or {}).items():
            place = Place(topic, None, message.step, message.epoch, message.tag, self.kinds[0])
            self._pending.add(place, value)
        found = self._pending.take(self)
        if found:
            self.values = {}
        for place, value, weight in found:
            if value == value or not self.leaves_out_nan:
                self._publish(place, value, weight)

    def _publish(self, place: Place, value: float, weight: float) -> None:
        self.values[place.topic if place.key is None else f"{place.topic}/{place.key}"] = value
        merge = self._merge(place.kind)
        data = Samples([place.step], [value], [time.time()], merge, [weight] if merge == "mean" else ())
        tag = "train" if place.tag == "raw" else place.tag
        self.bus.publish(Message(place.topic, data, place.step, place.epoch, tag, place.key))

    def _merge(self, kind: str) -> str | None:
        """What every rank has alike, such as weights, is told by one of them alone."""
        return self.merges if kind.startswith(_LOCAL) else None

    def _listen(self) -> None:
        self._subscribers: tuple[Subscriber, ...] = (self,)
        if self.tag in ("train", None):
            self.topics = frozenset((*self.kinds, *self.ends))
        else:  # steps end under the tag of training
            self._subscribers = (self, CallbackSubscriber(self._end, topics=self.ends, tag="train"))
        for subscriber in self._subscribers:
            self.bus.subscribe(subscriber)
        self._registered = self.topics_published
        self.bus.register_topic(*self._registered)

    def _heads(self) -> tuple[str, ...]:
        return self.kinds[:1] if self.takes > 1 else self.kinds

    def _chosen(self, kinds: Sequence[str | Sequence[str]]) -> tuple[str, ...]:
        given = listed(kinds)
        chosen = given or type(self).kinds
        if self.takes > 1 and len(chosen) != self.takes:
            raise MetricError(
                f"{type(self).__name__} takes {self.takes} topics, found {len(chosen)}: {', '.join(chosen)}."
            )
        for kind in given:
            check_kind(kind, self.bus)
        return chosen


def _named(found: Value | Mapping[str, Value] | None, key: str | None) -> Iterator[tuple[str | None, Value]]:
    if isinstance(found, Mapping):
        yield from ((name if key is None else f"{key}/{name}", value) for name, value in found.items())
    elif found is not None:
        yield key, found
