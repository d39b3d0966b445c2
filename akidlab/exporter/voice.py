"""The Voice of an exporter: says things on the bus, with the step that they belong to."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from akidlab.exporter.count import Clock, Count
from akidlab.messages import META, TOPICS, Bus, Message, Several, Subscriber
from akidlab.messages.several import Names

Hearers = tuple[Subscriber, ...]
SAID = (*META, *TOPICS)
PASSES = tuple(topic for topic in SAID if topic != "loss")  # under `loss` a kid tells plain numbers
OF_MODULES = ("activations", "layer_gradients")
OF_PASSES = ("input_data", "network_output", "input_labels", "loss", *OF_MODULES)
ROUTES = {"train": PASSES, "eval": PASSES, "raw": ("loss",)}


class Voice:
    """Publishes under the step that is being made.

    Args:
        bus: where to publish.
        clock: gives the step being made, the epoch and the step within it; without one, steps are counted.
    """

    def __init__(self, bus: Bus, clock: Clock | None = None) -> None:
        self.bus, self.clock = bus, clock or Count()
        self.begun, self.spent = False, 0.0
        self.observing = self.active = False  # if this step is observed; and if anybody wants to know of it
        self.of_modules = self.of_passes = False  # if anybody wants to know what passes through modules
        self.routes: dict[str, dict[str, Hearers]] = {}
        self.step, self.epoch, self.train_step = self.clock()
        self.find()
        self.scaler: Any = None  # what scales the loss, if anything does
        self._epoch_told: int | None = None
        self._topics = False

    def find(self) -> None:
        """Find who hears what; to be called when that changed."""
        hearers = self.bus.hearers
        self.routes = {tag: {topic: hearers(topic, tag) for topic in said} for tag, said in ROUTES.items()}
        self._found: dict[Names, Hearers] = {}
        self._is_heard = self._wanted(SAID)
        self.of_modules, self.of_passes = self._wanted(OF_MODULES), self._wanted(OF_PASSES)
        self.observe(self.observing)

    def _wanted(self, topics: Iterable[str]) -> bool:
        return any(found.get(topic) for found in self.routes.values() for topic in topics)

    def observe(self, due: bool) -> None:
        """Look at this step, or do not; nothing is done where nobody wants to know."""
        self.observing, self.active = due, due and self._is_heard

    def begin(self) -> None:
        """Say once that a step has begun."""
        self.begun = True
        self.step, self.epoch, self.train_step = self.clock()
        if self._epoch_told != self.epoch:
            self._epoch_told = self.epoch
            self.say("epoch_started")
        self.say("batch_started")

    def say(self, topic: str, data: Any = None, key: str | None = None, tag: str = "train") -> None:
        """Publish, if anybody wants to hear it."""
        if hearers := self.routes[tag][topic]:
            self.tell(hearers, topic, data, key, tag)

    def tell(
        self, hearers: Hearers, topic: str, data: Any, key: str | None = None, tag: str = "train"
    ) -> None:
        """Publish to those who were found to hear it."""
        message = Message(topic, data, self.step, self.epoch, tag, key, time.time(), self.train_step)
        for hearer in hearers:  # what `Bus.publish` does, with one call less for each of many messages
            try:
                hearer.hear(message)
            except Exception as error:
                self.bus.switch_off(hearer, message, error)

    def tell_all(self, names: Names, data: Sequence[Any]) -> None:
        """Publish what is said of several modules at once, to each who hears any of it."""
        several = Several(names, data, self.step, self.epoch, "train", self.train_step)
        for hearer in self._hearers(names):
            try:
                hearer.hear_all(several)
            except Exception as error:
                self.bus.switch_off(hearer, next(iter(several)), error)

    def _hearers(self, names: Names) -> Hearers:
        """Those who hear any of `names`: mostly the same as in the step before."""
        found = self._found.get(names)
        if found is None:
            routes = self.routes["train"]
            found = tuple(dict.fromkeys(hearer for topic, _ in names for hearer in routes[topic]))
            self._found[names] = found
        return found

    def end(self) -> None:
        """Say that the step was made, to all who heard of it and then to those who wait for them."""
        if self.begun:
            self.begun = False
            self.say("batch_finished")
            self.say("step_finished")

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
            (self.bus.register_topic if on else self.bus.deregister_topic)(*SAID)
