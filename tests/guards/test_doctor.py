"""The doctor beside a kid: it rests when it has seen enough, and says what a block was given."""

from __future__ import annotations

import pytest
import torch

from akidlab import ReLULayer
from akidlab.exporter import Exporter
from akidlab.guards import Doctor
from akidlab.messages import Bus
from tests.guards.faulty import Odd, brain, kid_of, linear


def loop(steps: int, monkeypatch: pytest.MonkeyPatch, begin: int) -> list[int]:
    """The steps at which a doctor listens."""
    monkeypatch.setattr("akidlab.guards.doctor.BEGIN", begin)
    net, bus, heard = torch.nn.Linear(4, 2), Bus(), []
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    with Exporter(message_bus=bus, optimizer=optimizer) as exporter:
        doctor = Doctor(bus, net, exporter)
        bus.subscribe(doctor)
        exporter.add_modules(net)
        for step in range(1, steps + 1):
            heard += [step] if doctor in bus.subscribers else []
            optimizer.zero_grad()
            net(torch.ones(8, 4)).square().mean().backward()
            optimizer.step()
        doctor.close()
        assert exporter.on_step == []
    assert bus.subscribers == ()
    return heard


def test_it_examines_the_first_observed_steps_and_then_rests(monkeypatch):
    monkeypatch.setattr("akidlab.guards.doctor.REST", 1e9)

    assert loop(30, monkeypatch, begin=10) == list(range(1, 11))


def test_rested_it_listens_again(monkeypatch):
    monkeypatch.setattr("akidlab.guards.doctor.REST", 0)

    assert loop(9, monkeypatch, begin=3) == [1, 2, 3, 5, 7, 9]


def test_the_reason_is_told_for_the_very_first_block_too():
    kid = kid_of(brain(Odd(torch.log, name="log"), linear("ip1"), ReLULayer(name="relu1"), linear("ip2", 10)))
    kid.record = True

    kid.practice()

    (found,) = kid.run.findings()
    assert (found.step, found.data["block"]) == (1, "log")
    assert "It takes the logarithm of" in found.data["text"]
