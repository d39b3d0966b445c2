"""Losses: what a network answered, what was right, and what that cost."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from torch import Tensor, nn

from akidlab.blocks.layers.loss import LossLayer
from akidlab.exporter.tensors import answer_of
from akidlab.exporter.voice import Voice


class Losses:
    """Publishes what losses are given and what they come to.

    Args:
        voice: where to publish.
    """

    def __init__(self, voice: Voice) -> None:
        self.voice = voice
        self.known: dict[int, object] = {}
        self._found = 0  # which of them was not given, but found in a brain

    def knows(self, module: nn.Module) -> bool:
        """True if that module is a loss."""
        return bool(self.known) and id(module) in self.known

    def add(self, loss: Any) -> None:
        """A module, or a function, that is called with what a network answered and what was right."""
        self.known.pop(self._found, None)
        self.known[id(loss)] = loss

    def find(self, model: nn.Module) -> None:
        """Take the loss of a brain, the last one that compares answers with the truth, if none was given."""
        self.known.pop(self._found, None)
        losses = [module for module in model.modules() if isinstance(module, LossLayer)]
        losses = [loss for loss in losses if len(loss.inputs or ()) > 1] or losses
        if losses and not self.known:
            self.add(losses[-1])
            self._found = id(losses[-1])

    def judged(self, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any, tag: str) -> None:
        """A loss was computed."""
        given = [*args, *kwargs.values()]
        if len(given) == 1 and isinstance(given[0], (list, tuple)):
            given = list(given[0])
        for topic, value in zip(("network_output", "input_labels"), given, strict=False):
            self._say(topic, value, tag)
        self._loss(output, tag)

    def told(self, kwargs: dict[str, Any], output: Any, tag: str) -> None:
        """A model was called that computes its loss itself, when given labels."""
        if "labels" in kwargs:
            self._say("input_labels", kwargs["labels"], tag)
        loss = getattr(output, "loss", None)
        if isinstance(loss, Tensor):
            self._loss(loss, tag)

    def wrap(self, function: Callable[..., Any], ready: Callable[[], str | None]) -> Callable[..., Any]:
        """A function that computes the same, and tells; `ready` gives the tag, None while nobody looks."""

        @wraps(function)
        def told(*args: Any, **kwargs: Any) -> Any:
            value, tag = function(*args, **kwargs), ready()
            if tag is not None:
                self.judged(args, kwargs, value, tag)
            return value

        self.add(told)
        return told

    def _say(self, topic: str, value: Any, tag: str) -> None:
        hearers = self.voice.routes[tag][topic]
        if hearers and (tensor := answer_of(value)) is not None:
            self.voice.tell(hearers, topic, tensor, tag=tag)

    def _loss(self, loss: Any, tag: str) -> None:
        if tag == "train" and isinstance(loss, Tensor) and (hearers := self.voice.routes["raw"]["loss"]):
            self.voice.tell(hearers, "loss", loss.detach(), tag="raw")
