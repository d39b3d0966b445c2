"""Pictures of a kid: its filters and feature maps, taken at their own pace while it practises."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from akidlab.kids.randomness import Randomness
from akidlab.kids.watched import validation_batch
from akidlab.messages import Log, Message
from akidlab.messages.picture import picture
from akidlab.observers import feature_maps, filters

if TYPE_CHECKING:
    from torch import Tensor

    from akidlab.kids.kid import Kid
    from akidlab.messages import Picture

FIRST, PACE = 0.25, 2.0  # seconds between the first two, and at last
SHARE = 0.005  # of the time that taking them may take
LAYERS = 24  # of which filters, and as many of which maps, are taken: the first ones
ITEMS = 64  # filters, or maps, of a layer
NUMBERS = 16_384  # of a picture
SIDE = 28  # pixels of a map; larger ones are averaged


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
        self._sample: Tensor | None = None
        self._looked_for = False
        self._step, self.has_failed = -1, False

    def look(self, *, last: bool = False) -> None:
        """Take pictures if it is time to; called between two steps by the thread that trains.

        Args:
            last: it ends here: take them in any case, unless that was done at this step.
        """
        begun = time.perf_counter()
        if self.has_failed or (begun < self.due and not last) or self.kid.step == self._step:
            return
        self._step = self.kid.step
        try:
            self._take()
        except Exception as error:  # what is only looked at must not end the training
            self.has_failed = True
            text = f"Pictures of filters and feature maps are taken no more: {type(error).__name__}: {error}"
            self._publish("log", None, Log(text, "warning"))
            return
        now = time.perf_counter()
        self.taken += 1
        self.due = now + max(min(PACE, FIRST * 1.5**self.taken), (now - begun) / SHARE)

    def _take(self) -> None:
        kid = self.kid
        if kid.bus.wanted("filters"):
            for name, one in list(filters(kid.brain, most=ITEMS).items())[:LAYERS]:
                self._publish("filters", name, of_filters(one.weights, one.biases, one.total))
        sample = None if kid.compile or not kid.bus.wanted("maps") else self._first_sample()
        if sample is not None:
            self._publish("maps", "system_in", of_maps(sample[0].float().cpu().numpy()))
            random = Randomness.capture(kid.device)
            try:
                maps = feature_maps(kid.brain, sample)
            finally:
                random.restore(kid.device)
            for name, values in list(maps.items())[:LAYERS]:
                self._publish("maps", name, of_maps(values[0]))

    def _first_sample(self) -> Tensor | None:
        if not self._looked_for:
            self._looked_for = True
            batch = validation_batch(self.kid)
            self._sample = None if batch is None else batch[0][:1].clone()
        return self._sample

    def _publish(self, topic: str, key: str | None, data: Picture | Log) -> None:
        kid = self.kid
        kid.bus.publish(Message(topic, data, step=kid.step, epoch=kid.epoch, key=key))


def of_filters(weights: np.ndarray, biases: np.ndarray | None, total: int) -> Picture:
    """As many filters, and of their channels, as a picture has room for.

    Args:
        weights: `[filters, channels, height, width]`.
        biases: `[filters]`.
        total: how many there are.
    """
    channels, size = weights.shape[1], int(np.prod(weights.shape[2:]))
    items = max(1, min(len(weights), ITEMS, NUMBERS // size))
    part = weights[:items, : max(1, NUMBERS // (items * size)), :, :NUMBERS]
    held = None if biases is None else biases[:items]
    return picture(part, held, total=total, channels=channels)


def of_maps(values: np.ndarray) -> Picture:
    """As many maps as a picture has room for, large ones made smaller by means.

    Args:
        values: what a block emits of one sample: `[maps, height, width]`, or numbers.
    """
    if values.ndim != 3:
        values = values.reshape(-1, 1, 1)
        return picture(values[:NUMBERS, None], total=len(values))
    total, height, width = values.shape
    size = min(height, SIDE), min(width, SIDE)
    items = max(1, min(total, ITEMS, NUMBERS // (size[0] * size[1])))
    part = values[:items]
    if size != (height, width):
        part = torch.nn.functional.adaptive_avg_pool2d(torch.as_tensor(part), size).numpy()
    return picture(part[:, None], total=total)
