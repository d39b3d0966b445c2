"""Where metrics are computed, on the CPU and on a GPU where there is one; and a bus that is listened to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from akidlab.messages import Bus, CallbackSubscriber, Message, Samples

_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=_CUDA)])
def device(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def bus() -> Iterator[Bus]:
    """A bus; whatever fails on it fails the test."""
    warned: list[Message] = []
    bus = Bus("of a test")
    bus.subscribe(CallbackSubscriber(warned.append, topics=["log", "event"]))
    yield bus
    assert [message.data for message in warned] == []


class Heard:
    """The numbers that were published on a bus, by topic and key."""

    def __init__(self, bus: Bus) -> None:
        self.messages: list[Message] = []
        bus.subscribe(CallbackSubscriber(self._hear))

    def _hear(self, message: Message) -> None:
        if isinstance(message.data, Samples):
            self.messages.append(message)

    @property
    def values(self) -> dict[str, list[tuple[int, float]]]:
        found: dict[str, list[tuple[int, float]]] = {}
        for message in self.messages:
            name = message.topic if message.key is None else f"{message.topic}/{message.key}"
            assert isinstance(message.data, Samples)
            found.setdefault(name, []).append((message.data.steps[0], message.data.values[0]))
        return found


@pytest.fixture
def heard(bus: Bus) -> Heard:
    return Heard(bus)
