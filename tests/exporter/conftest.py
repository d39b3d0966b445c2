"""A bus whose messages are kept, and a small net that learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from akidlab.exporter import Exporter
from akidlab.messages import META, TOPICS, Bus, Message, Subscriber


class Heard(Subscriber):
    """Keeps what it hears, tensors as they are at that moment."""

    topics = frozenset({*META, *TOPICS})

    def __init__(self, tag: str | None = None) -> None:
        self.messages: list[Message] = []
        self.tag = tag

    def hear(self, message: Message) -> None:
        data = message.data.clone() if isinstance(message.data, Tensor) else message.data
        told = (message.step, message.epoch, message.tag, message.key, message.time, message.train_step)
        self.messages.append(Message(message.topic, data, *told))

    def of(
        self, topic: str, key: str | None = None, step: int | None = None, tag: str = "train"
    ) -> list[Any]:
        """The data of messages."""
        return [
            m.data
            for m in self.messages
            if m.topic == topic and m.tag == tag and key in (None, m.key) and step in (None, m.step)
        ]

    def keys(self, topic: str, tag: str = "train") -> list[str | None]:
        """The keys of the messages of a topic."""
        return [m.key for m in self.messages if m.topic == topic and m.tag == tag]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def bus() -> Bus:
    return Bus("test")


@pytest.fixture
def heard(bus: Bus) -> Heard:
    listener = Heard()
    bus.subscribe(listener)
    return listener


@pytest.fixture
def watched(bus: Bus) -> Iterator[Callable[..., Exporter]]:
    """Makes exporters of models, and detaches them at the end."""
    made: list[Exporter] = []

    def watch(model: nn.Module, **options: Any) -> Exporter:
        exporter = Exporter(message_bus=bus, **options)
        exporter.set_model(model)
        exporter.add_modules(model)
        made.append(exporter)
        return exporter

    yield watch
    for exporter in made:
        exporter.detach()


def net(*, inplace: bool = False) -> nn.Sequential:
    """Two linear layers with a ReLU between them."""
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(inplace=inplace), nn.Linear(3, 2))


def learn(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 1, given: Any = None) -> None:
    """Make some steps."""
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(5, 4) if given is None else given).square().mean().backward()
        optimizer.step()
