"""Several things said at once: for those who can take them together, and one by one for the others."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from akidlab.messages.message import Message

Names = tuple[tuple[str, "str | None"], ...]


@dataclass(frozen=True, slots=True)
class Several:
    """What is said of several modules at one moment of a step, such as all their gradients.

    Args:
        names: the topic and the key of each.
        data: the payload of each.
        step: the training step they belong to.
        epoch: whole epochs behind it.
        tag: the tag of all of them.
        train_step: the step within its epoch.

    Example:
        >>> several = Several((("weights", "fc"), ("biases", "fc")), (4.0, 2.0), step=3)
        >>> [(message.topic, message.data) for message in several]
        [('weights', 4.0), ('biases', 2.0)]
    """

    names: Names
    data: Sequence[Any]
    step: int = 0
    epoch: int = 0
    tag: str = "train"
    train_step: int = 0

    def __iter__(self) -> Iterator[Message]:
        now = time.time()
        for (topic, key), data in zip(self.names, self.data, strict=True):
            yield Message(topic, data, self.step, self.epoch, self.tag, key, now, self.train_step)
