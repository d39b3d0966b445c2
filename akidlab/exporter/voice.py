"""The Voice of an exporter: says things on the bus, with the step that they belong to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from akidlab.messages import META, TOPICS, Bus, Message

Clock = Callable[[], tuple[int, int, int]]


class Count:
    """A clock that counts the steps itself."""

    def __init__(self) -> None:
        self.made = self.epoch = self.made_in_epoch = 0

    def __call__(self) -> tuple[int, int, int]:
        return self.made + 1, self.epoch, self.made_in_epoch + 1

    def step(self) -> None:
        """One step was made."""
        self.made += 1
        self.made_in_epoch += 1

    def turn(self) -> None:
        """An epoch is over."""
        self.epoch += 1
        self.made_in_epoch = 0


class Voice:
    """Publishes under the step that is being made.

    Args:
        bus: where to publish.
        clock: gives the step being made, the epoch and the step within it; without one, steps are counted.
    """

    def __init__(self, bus: Bus, clock: Clock | None = None) -> None:
        self.bus, self.clock = bus, clock or Count()
        self.begun, self.spent = False, 0.0
        self.step, self.epoch, self.train_step = self.clock()
        self._epoch_told: int | None = None
        self._topics = False

    def begin(self) -> None:
        """Say once that a step has begun."""
        if self.begun:
            return
        self.begun = True
        self.step, self.epoch, self.train_step = self.clock()
        if self._epoch_told != self.epoch:
            self._epoch_told = self.epoch
            self.say("epoch_started")
        self.say("batch_started")

    def say(self, topic: str, data: Any = None, key: str | None = None, tag: str = "train") -> None:
        """Publish, if anybody wants to hear it."""
        if self.bus.wanted(topic, tag):
            self.bus.publish(
                Message(topic, data, self.step, self.epoch, tag, key, time.time(), self.train_step)
            )

    def end(self) -> None:
        """Say that the step was made, to all who heard of it and then to those who wait for them."""
        if self.begun:
            self.say("batch_finished")
            self.say("step_finished")
        self.begun = False

    def turn(self) -> None:
        """Say that an epoch is over."""
        self.step, self.epoch, self.train_step = self.clock()
        if isinstance(self.clock, Count):
            self.step, self.train_step = self.clock.made, self.clock.made_in_epoch
            self.clock.turn()
        self.say("epoch_finished")
        self._epoch_told = None

    def register(self, on: bool) -> None:
        """Have the bus know what may be heard here; or no longer."""
        if on != self._topics:
            self._topics = on
            (self.bus.register_topic if on else self.bus.deregister_topic)(*META, *TOPICS)
