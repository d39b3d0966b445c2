"""Bands: the percentiles of every tensor that an exporter shows, published together once a step."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from akidlab.errors import unknown
from akidlab.messages import RAW, TOPICS, Bus, Message, Several, Subscriber
from akidlab.messages.several import Names
from akidlab.metrics.collecting import Collector, Found, collector_for
from akidlab.metrics.sampling import ELEMENTS

ALL = tuple(topic for topic in TOPICS if topic != "layer_gradients")


class PercentilesSubscriber(Subscriber):
    """Hears tensors, and publishes the percentiles of all tensors of a step in one message.

    What is needed of a tensor is kept when it is heard: its exact minimum and maximum, and a sample of
    always the same places, as `percentiles` tells. The rest is done when the step is over, for all at once.
    Of tensors on a GPU nothing waits: what was kept is copied in one go, and published when the next observed
    step is over, or with `flush`.

    Args:
        bus: where to publish.
        kinds: the topics to hear; by default all but `layer_gradients`.
        exact: look at all values.
        elements: how many values to look at of a tensor that has more; see `percentiles` for the error.
        sketch: how many evenly spaced quantiles to add, from which those of several ranks can be merged.

    Raises:
        UnknownNameError: if a kind is no topic of tensors.
        ValueError: if a number makes no sense.

    Example:
        >>> from akidlab.messages import Bus, CallbackSubscriber
        >>> from akidlab.metrics.bands import PercentilesSubscriber
        >>> bus, heard = Bus(), []
        >>> bus.subscribe(PercentilesSubscriber(bus, ["weights"]))
        >>> bus.subscribe(CallbackSubscriber(heard.append, topics=["percentiles"]))
        >>> bus.publish(Message("weights", torch.arange(101.0), step=1, key="fc"))
        >>> bus.publish(Message("batch_finished", step=1))
        >>> heard[0].data.tags, heard[0].data.values[0].tolist()
        (('weights/fc',), [0.0, 7.0, 16.0, 31.0, 50.0, 69.0, 84.0, 93.0, 100.0])
    """

    tag = "train"

    def __init__(
        self,
        bus: Bus,
        kinds: Iterable[str] = ALL,
        *,
        exact: bool = False,
        elements: int = ELEMENTS,
        sketch: int = 0,
    ) -> None:
        self.bus, self.exact, self.sketch = bus, exact, sketch
        self.kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
        for kind in self.kinds:
            if kind not in RAW and kind not in bus.topics:
                raise unknown("topic", kind, [*TOPICS, *bus.topics])
        if sketch < 0 or sketch == 1:
            raise ValueError(f"A sketch has 2 points or more, or is left out with 0; found {sketch!r}.")
        self.topics = frozenset((*self.kinds, "batch_finished"))
        self._step, self._collectors = 0, dict[torch.device, Collector]()
        self._suits: dict[Names, bool] = {}  # whether all that is told together is of our topics
        self.elements = elements

    @property
    def elements(self) -> int:
        """How many values it looks at of a tensor that has more; a change counts from the next step on."""
        return self._elements

    @elements.setter
    def elements(self, elements: int) -> None:
        if elements < 16:
            raise ValueError(f"Look at 16 elements or more, or percentiles say nothing; found {elements!r}.")
        self._elements, self._changed = elements, True

    def hear(self, message: Message) -> None:
        if message.step != self._step:
            self._begin(message.step)
        tensor = message.data
        if isinstance(tensor, Tensor):
            collector = self._collectors.get(tensor.device) or self._collector(tensor.device)
            collector.take((message.topic, message.key), tensor)
        elif message.topic == "batch_finished":
            for collector in self._collectors.values():
                self._publish(collector.finish(message))

    def hear_all(self, several: Several) -> None:
        names, tensors = several.names, several.data
        suits = self._suits.get(names)
        if suits is None:
            suits = self._suits[names] = all(topic in self.kinds for topic, _ in names)
        device = tensors[0].device
        for tensor in tensors:
            if tensor.device != device or tensor.layout is not torch.strided or not tensor.numel():
                suits = False
        if not suits:
            super().hear_all(several)
            return
        if several.step != self._step:
            self._begin(several.step)
        (self._collectors.get(device) or self._collector(device)).take_all(names, tensors)

    def flush(self) -> None:
        """Publish what is still on its way from a GPU."""
        for collector in self._collectors.values():
            self._publish(collector.flush())

    close = flush

    def _begin(self, step: int) -> None:
        """Forget what a step left that was never finished, and do as was asked meanwhile."""
        self._step = step
        if self._changed:
            self.flush()
            self._collectors, self._changed = {}, False
        for collector in self._collectors.values():
            collector.stage.clear()

    def _collector(self, device: torch.device) -> Collector:
        made = collector_for(device, self._elements, self.exact, self.sketch)
        return self._collectors.setdefault(device, made)

    def _publish(self, found: Iterable[Found]) -> None:
        for when, percentiles in found:
            self.bus.publish(
                Message("percentiles", percentiles, when.step, when.epoch, train_step=when.train_step)
            )
