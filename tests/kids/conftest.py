"""A small kid on the embedded digits, the same in every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from akidlab import (
    Brain,
    DigitsSource,
    DropoutLayer,
    FeedSensor,
    InnerProductLayer,
    Kid,
    MomentumKongFu,
    ReLULayer,
    SoftmaxWithLossLayer,
)
from akidlab.messages import CallbackSubscriber, Message


def small_brain(dropout: float = 0.0) -> Brain:
    brain = Brain(name="small")
    brain.attach(InnerProductLayer(out_channel_num=16, name="ip1"), ReLULayer(name="relu1"))
    if dropout:
        brain.attach(DropoutLayer(keep_prob=1 - dropout, name="drop1"))
    brain.attach(
        InnerProductLayer(out_channel_num=10, name="ip2"),
        SoftmaxWithLossLayer(
            class_num=10, name="loss", inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}]
        ),
    )
    return brain


def small_kid(
    *,
    dropout: float = 0.0,
    batch_size: int = 100,
    kongfu: Any = None,
    brain: Brain | None = None,
    **options: Any,
) -> Kid:
    options.setdefault("record", False)
    if "max_epoch" not in options:
        options.setdefault("max_steps", 20)
    sensor = FeedSensor(DigitsSource(), batch_size=batch_size, seed=3)
    return Kid(sensor, brain or small_brain(dropout), kongfu or MomentumKongFu(lr=0.05), **options)


def weights(kid: Kid) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in kid.brain.parameters()])


class Heard:
    """What a kid said, in order."""

    def __init__(self, kid: Kid) -> None:
        self.messages: list[Message] = []
        kid.bus.subscribe(CallbackSubscriber(self.messages.append))

    def samples(self, tag: str) -> dict[int, float]:
        found = [m.data for m in self.messages if m.topic == tag]
        return {s: v for data in found for s, v in zip(data.steps, data.values, strict=True)}

    def events(self, *kinds: str) -> list[tuple[str, int]]:
        found = [m.data for m in self.messages if m.topic == "event"]
        return [(e.kind, e.data["step"]) for e in found if not kinds or e.kind in kinds]

    def warnings(self) -> list[str]:
        found = [m.data for m in self.messages if m.topic == "event"]
        return [str(event.data["text"]) for event in found if event.kind == "warning"]

    def statuses(self) -> list[str]:
        return [m.data.status for m in self.messages if m.topic == "status"]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def make_kid() -> Iterator[Callable[..., Kid]]:
    made: list[Kid] = []

    def make(**options: Any) -> Kid:
        made.append(small_kid(**options))
        return made[-1]

    yield make
    for kid in made:
        kid.controls.send("stop")  # a test that failed leaves nobody who practises on


@pytest.fixture
def listen() -> Callable[[Kid], Heard]:
    return Heard


@pytest.fixture
def weights_of() -> Callable[[Kid], torch.Tensor]:
    return weights
