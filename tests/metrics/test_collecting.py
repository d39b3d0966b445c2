"""What a GPU keeps of a step is told one step later, without waiting for it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from akidlab.messages import Bus, CallbackSubscriber, Message
from akidlab.metrics import bands, collecting
from akidlab.metrics.bands import PercentilesSubscriber


class Arrival:
    """An event of a GPU."""

    waits = 0

    def synchronize(self) -> None:
        Arrival.waits += 1


class Late(collecting.CudaCollector):
    """Copies as a GPU would, on a machine that has none."""

    def _copied(self, values: Tensor, host: Tensor) -> Arrival:
        host.copy_(values)
        return Arrival()

    def _room(self, length: int) -> Tensor:
        return torch.empty(length)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> tuple[PercentilesSubscriber, list[Message]]:
    monkeypatch.setattr(bands, "collector_for", Late)
    bus, heard = Bus(), list[Message]()
    subscriber = PercentilesSubscriber(bus, ["weights"])
    bus.subscribe(subscriber)
    bus.subscribe(CallbackSubscriber(heard.append, topics=["percentiles"]))
    return subscriber, heard


def make_step(bus: Bus, step: int, *shape: int) -> None:
    bus.publish(Message("weights", torch.full(shape, float(step)), step=step, key="fc"))
    bus.publish(Message("batch_finished", step=step))


def test_each_step_is_told_when_the_next_is_over(heard: tuple[PercentilesSubscriber, list[Message]]) -> None:
    subscriber, said = heard
    told = []
    for step, shape in enumerate([(3,), (20_000,), (3,), (3,)], start=1):
        make_step(subscriber.bus, step, *shape)
        told.append([message.step for message in said])
    subscriber.flush()
    subscriber.flush()

    assert told == [[], [1], [1, 2], [1, 2, 3]]
    assert [(m.step, m.data.values[0, 4], m.data.counts.tolist()) for m in said] == [
        (1, 1.0, [3]), (2, 2.0, [20_000]), (3, 3.0, [3]), (4, 4.0, [3])
    ]  # fmt: skip


def test_a_change_of_elements_loses_no_step(heard: tuple[PercentilesSubscriber, list[Message]]) -> None:
    subscriber, said = heard
    make_step(subscriber.bus, 1, 20_000)
    subscriber.elements = 64
    make_step(subscriber.bus, 2, 20_000)
    subscriber.close()

    assert [message.step for message in said] == [1, 2]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_is_told_as_the_host_is() -> None:
    said: list[Message] = []
    for device in ("cpu", "cuda"):
        bus = Bus()
        subscriber = PercentilesSubscriber(bus, ["weights"], sketch=9)
        bus.subscribe(subscriber)
        bus.subscribe(CallbackSubscriber(said.append, topics=["percentiles"]))
        for key, count in (("few", 50), ("many", 30_000)):
            values = torch.arange(float(count), device=device).sin()
            bus.publish(Message("weights", values, step=1, key=key))
        bus.publish(Message("batch_finished", step=1))
        subscriber.flush()

    torch.testing.assert_close(said[0].data.values, said[1].data.values)
    torch.testing.assert_close(said[0].data.sketches, said[1].data.sketches)
