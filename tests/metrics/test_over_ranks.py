"""What metrics of several ranks come to, merged, is what is computed on all their data."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from akidlab import metrics
from akidlab.messages import Bus, CallbackSubscriber, Message
from akidlab.messages.merging import merge

SHARES = (24, 8)  # the ranks have batches of unequal size


def said_by_a_rank(make, **data: Tensor) -> Message:
    """What a metric publishes of one step on one rank."""
    bus, heard = Bus(), list[Message]()
    made = make(bus)
    bus.subscribe(CallbackSubscriber(heard.append, topics=made.topics_published))
    for topic, value in data.items():
        key = None if topic in ("network_output", "input_labels") else "fc"
        bus.publish(Message(topic, value, 1, key=key))
    bus.publish(Message("batch_finished", step=1))
    return heard[0]


@pytest.mark.parametrize(
    ("name", "pooled"),
    [
        ("mean", lambda x: x.mean()),
        ("sum", lambda x: x.sum()),
        ("sparsity", lambda x: (x == 0).float().mean()),
    ],
)
def test_numbers_of_activations_are_those_of_all_samples(name: str, pooled):
    activations = torch.randn(sum(SHARES), 5, generator=torch.Generator().manual_seed(0)).relu()

    told = [
        said_by_a_rank(lambda bus: metrics.make(f"{name}:activations", bus), activations=part)
        for part in activations.split(SHARES)
    ]

    assert merge(told).data.values == pytest.approx([float(pooled(activations))], rel=1e-5)


def test_accuracy_counts_every_sample_once():
    generator = torch.Generator().manual_seed(0)
    output, labels = torch.randn(sum(SHARES), 3, generator=generator), torch.arange(sum(SHARES)) % 3

    told = [
        said_by_a_rank(lambda bus: metrics.TrainAccuracySubscriber(bus=bus), network_output=o, input_labels=i)
        for o, i in zip(output.split(SHARES), labels.split(SHARES), strict=True)
    ]

    assert merge(told).data.values == pytest.approx([float(metrics.accuracy(output, labels))])
