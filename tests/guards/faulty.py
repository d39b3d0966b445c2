"""Nets with one fault each, and loops that practise with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from akidlab import (
    ArraySource,
    Block,
    Brain,
    DigitsSource,
    DropoutLayer,
    FeedSensor,
    InnerProductLayer,
    Kid,
    MomentumKongFu,
    ReLULayer,
    SigmoidLayer,
    SoftmaxWithLossLayer,
    TanhLayer,
)
from akidlab.exporter import Exporter
from akidlab.guards import Doctor, Finding
from akidlab.messages import Bus, CallbackSubscriber

LABELS = {"name": "system_in", "idxs": [1]}


class Odd(Block):
    """Does what it is told with what passes through it."""

    NAME = "odd"

    def __init__(self, how: Callable[[Tensor], Tensor], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.how = how

    def forward(self, signal: Tensor) -> Tensor:
        return self.how(signal)


def linear(name: str, out: int = 32, **options: Any) -> InnerProductLayer:
    return InnerProductLayer(out_channel_num=out, name=name, **options)


def brain(*blocks: Block, logits: str = "ip2") -> Brain:
    """These blocks, and a loss that judges one of them."""
    loss = SoftmaxWithLossLayer(10, name="loss", inputs=[{"name": logits}, LABELS])
    return Brain(name="faulty").attach(*blocks, loss)


def healthy_brain() -> Brain:
    return brain(linear("ip1"), ReLULayer(name="relu1"), linear("ip2", 10))


def deep(activation: type[Block], depth: int = 6, **options: Any) -> Brain:
    blocks: list[Block] = []
    for at in range(1, depth + 1):
        blocks += [linear(f"ip{at}", **options), activation(name=f"act{at}")]
    return brain(*blocks, linear("logits", 10), logits="logits")


def kid_of(
    net: Brain | None = None,
    *,
    lr: float = 0.05,
    kongfu: Any = None,
    data: tuple[Tensor, Tensor] | None = None,
    **options: Any,
) -> Kid:
    """A kid on the digits (or `data`), that neither records nor validates."""
    source = DigitsSource() if data is None else ArraySource(data)
    sensor = FeedSensor(source, batch_size=options.pop("batch_size", 64), seed=3)
    options = {"max_steps": 40, "record": False, "skip_validation": True, "device": "cpu", **options}
    return Kid(sensor, net or healthy_brain(), kongfu or MomentumKongFu(lr=lr), **options)


def digits() -> tuple[Tensor, Tensor]:
    source = DigitsSource()
    source.setup()
    sensor = FeedSensor(source, batch_size=1400, seed=0)
    sensor.setup()
    images, labels = sensor.next()
    return images.clone(), labels.clone()


def findings_of(kid: Kid, every: int = 1) -> list[Finding]:
    """What a doctor, and the guard of the kid itself, find while it practises."""
    kid.setup()
    found: list[Finding] = []

    def hear(message: Any) -> None:
        event = message.data
        if event.kind == "guard":
            facts = event.data
            found.append(Finding(facts["finding"], facts["block"], facts["step"], facts["text"], "error"))

    ear = CallbackSubscriber(hear, topics=["event"])
    kid.bus.subscribe(ear)
    clock = lambda: (kid.step + 1, kid.epoch, 0)  # noqa: E731
    with Exporter(message_bus=kid.bus, every=every, optimizer=kid.optimizer, clock=clock) as exporter:
        doctor = Doctor(kid.bus, kid.brain, exporter)
        kid.bus.subscribe(doctor)
        exporter.set_model(kid.brain)
        exporter.add_modules(kid.brain)
        kid.practice()
        assert doctor in kid.bus.subscribers  # it was not switched off
        doctor.close()
    return [*(f for f in doctor.findings if f.level == "warning"), *found]


def plain_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 10))


def findings_of_a_loop(
    net: nn.Module,
    *,
    steps: int = 12,
    optimizer: torch.optim.Optimizer | None = None,
    clear: bool = True,
    before: Callable[[int, nn.Module], object] = lambda step, net: None,
    rows: Callable[[int], Tensor] | None = None,
) -> list[Finding]:
    """What a doctor finds in a loop written by hand, in batches of 64 if not told which rows."""
    bus, (x, y) = Bus(), digits()
    rows = rows or (lambda step: torch.arange(64) + 64 * (step % 20))
    optimizer = optimizer or torch.optim.SGD(net.parameters(), 0.05, 0.9)
    loss_of = nn.CrossEntropyLoss()
    with Exporter(message_bus=bus) as exporter:
        doctor = Doctor(bus, net, exporter)
        bus.subscribe(doctor)
        exporter.set_model(net)
        exporter.set_loss(loss_of)
        exporter.add_modules(net)
        net.train()
        for step in range(steps):
            before(step, net)
            some = rows(step)

            def closure(some: Tensor = some) -> Tensor:
                if clear:
                    optimizer.zero_grad()
                loss = loss_of(net(x[some]), y[some])
                loss.backward()
                return loss

            if isinstance(optimizer, torch.optim.LBFGS):
                optimizer.step(closure)
            else:
                closure()
                optimizer.step()
        assert doctor in bus.subscribers
        doctor.close()
    return doctor.findings


__all__ = [
    "DropoutLayer", "Odd", "SigmoidLayer", "TanhLayer", "brain", "deep", "digits", "findings_of",
    "findings_of_a_loop", "healthy_brain", "kid_of", "linear", "plain_net",
]  # fmt: skip
