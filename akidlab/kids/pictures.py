"""Pictures of a kid: its filters and feature maps, taken at their own pace while it practises."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from akidlab.kids.randomness import Randomness
from akidlab.kids.watched import validation_batch
from akidlab.messages import Log, Message
from akidlab.observers import feature_maps, filters
from akidlab.observers.filters import layers
from akidlab.observers.maps import parts
from akidlab.observers.small import ITEMS, of_filters, of_maps

if TYPE_CHECKING:
    from torch import Tensor

    from akidlab.kids.kid import Kid
    from akidlab.messages import Picture

FIRST, PACE = 0.25, 2.0  # seconds between the first two, and at last
SHARE = 0.005  # of the time that taking them may take
CALLED = {"filters": "filters", "maps": "feature maps"}
LAYERS = 24  # of which filters, and as many of which maps, are taken: the first ones


class Pictures:
    """Takes pictures of a kid: filters, and the feature maps of the first validation sample.

    The first are of the first step, then they come every two seconds, or more seldom where taking them would
    take more than half a per cent of the time. What is trained is not touched: mode, memory and random
    generators are as they were. Of a compiled brain only filters are taken.

    Args:
        kid: whom.
    """

    def __init__(self, kid: Kid) -> None:
        self.kid, self.due, self.taken = kid, 0.0, 0
        self._sample: list[Tensor] | None = None
        self._looked_for = False
        self._step = -1
        self._takers = {"filters": self._take_filters, "maps": self._take_maps}

    def look(self, *, last: bool = False) -> None:
        """Take pictures if it is time to; called between two steps by the thread that trains.

        Args:
            last: it ends here: take them in any case, unless that was done at this step.
        """
        begun = time.perf_counter()
        if (begun < self.due and not last) or self.kid.step == self._step:
            return
        self._step = self.kid.step
        self._take()
        now = time.perf_counter()
        self.taken += 1
        self.due = now + max(min(PACE, FIRST * 1.5**self.taken), (now - begun) / SHARE)

    def _take(self) -> None:
        for topic, take in [*self._takers.items()]:
            try:
                if self.kid.bus.wanted(topic):
                    take()
            except Exception as error:  # what is only looked at must not end the training
                del self._takers[topic]
                text = f"Pictures of {CALLED[topic]} are taken no more: {type(error).__name__}: {error}"
                self._publish("log", None, Log(text, "warning"))

    def _take_filters(self) -> None:
        brain = self.kid.brain
        for name, one in filters(brain, [*layers(brain)][:LAYERS], most=ITEMS).items():
            self._publish("filters", name, of_filters(one.weights, one.biases, one.total))

    def _take_maps(self) -> None:
        kid = self.kid
        sample = None if kid.compile else self._first_sample()
        if sample is None:
            return
        self._publish("maps", "system_in", of_maps(sample[0][0].float().cpu().numpy()))
        random = Randomness.capture(kid.device)
        try:
            maps = feature_maps(kid.brain, sample, [*parts(kid.brain)][:LAYERS])
        finally:
            random.restore(kid.device)
        for name, values in maps.items():
            self._publish("maps", name, of_maps(values[0]))

    def _first_sample(self) -> list[Tensor] | None:
        """All that belongs to it: a brain may read more than one value."""
        if not self._looked_for:
            self._looked_for = True
            batch = validation_batch(self.kid)
            self._sample = None if batch is None else [part[:1].clone() for part in batch]
        return self._sample

    def _publish(self, topic: str, key: str | None, data: Picture | Log) -> None:
        kid = self.kid
        kid.bus.publish(Message(topic, data, step=kid.step, epoch=kid.epoch, key=key))
