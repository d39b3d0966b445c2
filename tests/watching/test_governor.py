"""The governor keeps looking within its budget, and no further from what was asked than that needs."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from akidlab.exporter import Exporter
from akidlab.messages import Bus, CallbackSubscriber, Message
from akidlab.metrics.bands import PercentilesSubscriber
from akidlab.watching.governor import Governor, readable


class World:
    """A training whose steps, and looks at them, take as long as one says."""

    def __init__(self, step: float, look: Callable[[int], float], every: int = 1, **options: Any) -> None:
        self.bus, self.heard, self.time, self.step = Bus(), list[Message](), 0.0, 0
        self.bus.subscribe(CallbackSubscriber(self.heard.append))
        self.seconds, self.look, self.spent = step, look, 0.0
        self.exporter: Any = SimpleNamespace(every=every, step=0, cost=0.0, on_step=[], bus=self.bus)
        self.bands = PercentilesSubscriber(self.bus)
        self.governor = Governor(self.exporter, self.bands, now=lambda: self.time, **options)

    def run(self, steps: int) -> World:
        for _ in range(steps):
            self.step += 1
            self.time += self.seconds
            if self.step == 1 or self.step % self.exporter.every == 0:
                self._observe()
        return self

    def _observe(self) -> None:
        cost = self.look(self.bands.elements)
        self.time += cost
        self.spent += cost
        self.exporter.step, self.exporter.cost = self.step, cost
        for function in self.exporter.on_step:
            function(self.exporter)

    def later(self, steps: int) -> float:
        """The share that looking took in the next steps."""
        spent, time = self.spent, self.time
        self.run(steps)
        return (self.spent - spent) / (self.time - time)


def test_what_is_cheap_is_done_as_often_as_asked() -> None:
    world = World(0.1, lambda _: 0.001, every=3).run(300)

    assert (world.governor.every, world.governor.elements) == (3, 8192)
    assert world.governor.share == pytest.approx(0.001 / 0.301)


@pytest.mark.parametrize("budget", [0.01, 0.02, 0.1])
@pytest.mark.parametrize("cost", [0.01, 0.1, 2.0])
def test_the_budget_is_kept_whatever_a_look_costs(budget: float, cost: float) -> None:
    world = World(0.1, lambda _: cost, budget=budget).run(5000)

    assert world.later(20_000) <= budget
    assert world.governor.share <= budget
    assert world.governor.elements == 8192  # fewer did not help


def test_fewer_elements_are_looked_at_before_fewer_steps() -> None:
    world = World(0.1, lambda elements: 9e-7 * elements, budget=0.02).run(2000)

    assert (world.governor.every, world.governor.elements) == (1, 2048)
    assert world.later(1000) <= 0.02


def test_no_more_steps_are_left_out_than_needed() -> None:
    world = World(0.1, lambda _: 0.01, budget=0.02).run(2000)

    assert world.governor.every == 5
    assert world.later(1000) > 0.015


def test_it_goes_back_when_steps_become_slower() -> None:
    world = World(0.01, lambda elements: 1e-6 * elements, every=2).run(3000)
    before = (world.governor.every, world.governor.elements)
    world.seconds = 1.0
    world.run(3000)

    assert before != (2, 8192)
    assert (world.governor.every, world.governor.elements) == (2, 8192)


def test_a_pause_changes_nothing() -> None:
    world = World(0.1, lambda _: 0.01).run(2000)
    share, every = world.governor.share, world.governor.every
    world.time += 3600
    world.run(every)

    assert (world.governor.share, world.governor.every) == (pytest.approx(share), every)


def test_it_does_not_swing() -> None:
    world, seen = World(0.1, lambda _: 0.01), set[tuple[int, int]]()
    world.run(500)
    for _ in range(500):
        world.run(1)
        seen.add((world.governor.every, world.governor.elements))

    assert len(seen) == 1


def test_it_tells_what_it_does_and_not_too_often() -> None:
    world = World(0.001, lambda _: 0.00001).run(5000)
    told = [message for message in world.heard if message.topic == "observation_share"]
    every = [message for message in world.heard if message.topic == "observation_every"]

    assert 8 <= len(told) <= 12  # five seconds
    assert [message.data.values for message in every] == [(1.0,)] * len(told)
    assert all(message.data.values[0] == pytest.approx(0.0099, 0.05) for message in told)
    assert all(message.data.steps == (message.step,) for message in told)


def test_an_exact_look_has_no_elements_to_choose() -> None:
    bands = PercentilesSubscriber(Bus(), exact=True)

    assert Governor(Exporter(message_bus=Bus()), bands).elements == 0
    assert Governor(Exporter(message_bus=Bus())).elements == 0


def test_closed_it_chooses_no_more() -> None:
    world = World(0.1, lambda _: 1.0)
    world.governor.close()
    world.governor.close()
    world.run(100)

    assert world.governor.every == 1


@pytest.mark.parametrize("budget", [0, 1, -0.1, 2])
def test_a_budget_is_a_share(budget: float) -> None:
    with pytest.raises(
        ValueError, match=r"A budget is a share of the time between 0 and 1, such as 0\.02; found"
    ):
        Governor(Exporter(message_bus=Bus()), budget=budget)


def test_numbers_read_well() -> None:
    assert [readable(x) for x in (0.1, 1, 1.1, 6, 8, 11, 99, 250, 7001)] == [
        1,
        1,
        2,
        7,
        10,
        20,
        100,
        300,
        10_000,
    ]


def test_a_real_training_is_looked_at_more_seldom() -> None:
    bus, model = Bus(), nn.Sequential(nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 1))
    bands = PercentilesSubscriber(bus)
    bus.subscribe(bands)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    exporter = Exporter(message_bus=bus, optimizer=optimizer)
    exporter.add_modules(model)
    governor, every = Governor(exporter, bands, budget=0.02), set[int]()
    for _ in range(300):
        optimizer.zero_grad()
        model(torch.ones(4, 20)).sum().backward()
        optimizer.step()
        every.add(governor.every)
    exporter.detach()

    assert max(every) > 1
    assert 0 < governor.share < 1


def test_where_others_look_at_the_same_steps_it_only_wishes():
    world = World(0.001, lambda elements: 0.002, free=False).run(100)

    assert world.exporter.every == 1
    assert world.governor.wish > 50


def test_a_change_is_told_at_once() -> None:
    world = World(0.001, lambda _: 0.01, budget=0.02).run(60)

    every = [message.data.values[-1] for message in world.heard if message.topic == "observation_every"]
    assert world.time < 0.5
    assert every[-1] == world.governor.every > 1
