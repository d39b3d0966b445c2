"""The doctor beside a kid: it rests when it has seen enough, and says what a block was given."""

from __future__ import annotations

import pytest
import torch

from akidlab import GradientDescentKongFu, ReLULayer
from akidlab.exporter import Exporter
from akidlab.guards import Doctor
from akidlab.messages import Bus
from tests.guards.faulty import Odd, brain, findings_of, kid_of, linear


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


def test_one_that_failed_does_not_come_back(monkeypatch, caplog):
    monkeypatch.setattr("akidlab.guards.doctor.BEGIN", 2)
    monkeypatch.setattr("akidlab.guards.doctor.REST", 0)
    net, bus, calls = torch.nn.Linear(4, 2), Bus(), []
    optimizer = torch.optim.SGD(net.parameters(), 0.1)

    def check(seen):
        calls.append(seen.step)
        return [] if seen.count < 4 else 1 / 0

    with Exporter(message_bus=bus, optimizer=optimizer) as exporter:
        bus.subscribe(Doctor(bus, net, exporter, [check]))
        exporter.add_modules(net)
        for _ in range(15):
            optimizer.zero_grad()
            net(torch.ones(8, 4)).square().mean().backward()
            optimizer.step()

    assert len(calls) == 5
    assert len(caplog.records) == 1


def test_the_reason_is_told_for_the_very_first_block_too():
    kid = kid_of(brain(Odd(torch.log, name="log"), linear("ip1"), ReLULayer(name="relu1"), linear("ip2", 10)))
    kid.record = True

    kid.practice()

    (found,) = kid.run.findings()
    assert (found.step, found.data["block"]) == (1, "log")
    assert "It takes the logarithm of" in found.data["text"]


def test_activations_that_a_rate_made_explode_are_not_laid_to_the_initial_weights():
    kid = kid_of(kongfu=GradientDescentKongFu(lr=1e3), max_steps=4)

    (told,) = (finding for finding in findings_of(kid) if finding.kind == "exploding_activations")

    assert told.step == 3
    assert told.text.endswith(
        "Its weights have grown too large: use a smaller rate, `clip_norm`, or normalise after it."
    )


def test_weights_that_a_nan_spoilt_are_not_laid_to_the_rate():
    torch.manual_seed(0)
    net, bus = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1)), Bus()
    optimizer, loss = torch.optim.Adam(net.parameters(), 0.01), torch.nn.MSELoss()
    with Exporter(message_bus=bus, optimizer=optimizer) as exporter:
        doctor = Doctor(bus, net, exporter)
        bus.subscribe(doctor)
        exporter.add_modules(net)
        exporter.set_loss(loss)
        for step in range(40):
            given = torch.full((8, 4), torch.nan) if step == 10 else torch.randn(8, 4)
            optimizer.zero_grad()
            loss(net(given), torch.ones(8, 1)).backward()
            optimizer.step()
        doctor.close()

    kinds = [finding.kind for finding in doctor.findings]
    assert any(kind.endswith("not_finite") for kind in kinds)
    assert "rate_too_large" not in kinds


def test_gradients_of_another_loss_that_are_cleared_in_time_are_no_fault():
    """The loss of a GAN's generator goes back through its discriminator, too."""
    generator, judge, bus = torch.nn.Linear(2, 4), torch.nn.Linear(4, 1), Bus()
    optimizers = [torch.optim.SGD(part.parameters(), 0.01) for part in (generator, judge)]
    with Exporter(message_bus=bus, optimizer=optimizers[1]) as exporter:
        doctor = Doctor(bus, judge, exporter)
        bus.subscribe(doctor)
        exporter.set_model(judge)
        exporter.add_modules(judge)
        for _ in range(8):
            made = generator(torch.randn(16, 2))
            optimizers[1].zero_grad()
            (judge(torch.randn(16, 4)) - judge(made.detach())).square().mean().backward()
            optimizers[1].step()
            optimizers[0].zero_grad()
            judge(made).square().mean().backward()
            optimizers[0].step()

    assert [finding.kind for finding in doctor.findings] == []
