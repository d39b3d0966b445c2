"""Defects of Ikkuna's metrics, by their numbers in chapter I.13 of the reference: none of them is here."""

from __future__ import annotations

import gc
import math

import numpy as np
import pytest
import torch
from torch import nn

from akidlab import metrics
from akidlab.errors import MetricError
from akidlab.exporter import Exporter
from akidlab.messages import Bus, Message


def test_3_evaluating_at_the_end_of_a_batch_leaves_its_updates_alone(bus, heard):
    net = nn.Linear(4, 2)
    with Exporter(message_bus=bus) as exporter:
        exporter.add_modules(net)
        metrics.TestAccuracySubscriber(net, (torch.randn(8, 4), torch.zeros(8).long()), frequency=1, bus=bus)
        metrics.NormSubscriber("weight_updates", bus=bus)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            net(torch.randn(8, 4)).square().sum().backward()
            optimizer.step()

    assert all(value > 0 for _, value in heard.values["weight_updates_norm2/linear"])


def test_4_and_the_freezing_of_svcca_freezes(bus, heard):
    net = nn.Linear(4, 2)
    with Exporter(message_bus=bus) as exporter:
        exporter.add_modules(net)
        metrics.SVCCASubscriber(
            net, torch.randn(64, 4), exporter=exporter, freeze_at=0.9, frequency=1, bus=bus
        )
        for step in (1, 2):
            bus.publish(Message("batch_finished", step=step))

    assert not net.weight.requires_grad
    assert not net.bias.requires_grad


def test_and_a_whole_number_is_a_limit_too(bus, heard):
    net = nn.Linear(4, 2)
    metric = metrics.SVCCASubscriber(net, torch.randn(64, 4), freeze_at=0, frequency=1, bus=bus)
    for step in (1, 2):
        bus.publish(Message("batch_finished", step=step))

    assert metric.frozen == ["linear"]


def test_7_the_condition_number_is_a_ratio_of_singular_values_not_a_product(bus, heard):
    metrics.ConditionNumberSubscriber(bus=bus)
    weight = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))

    bus.publish(Message("weights", weight, 1, key="fc"))
    bus.publish(Message("batch_finished", step=1))

    assert heard.values["weights_condition_number/fc"][0][1] == pytest.approx(
        np.linalg.cond(weight.numpy()), rel=1e-4
    )


def test_8_a_ratio_is_of_one_step(bus, heard):
    metrics.RatioSubscriber("weight_gradients", "weights", bus=bus)

    for step in (1, 2):
        bus.publish(Message("weights", torch.tensor([2.0 * step]), step, key="fc"))
        bus.publish(Message("weight_gradients", torch.tensor([1.0]), step, key="fc"))
        bus.publish(Message("batch_finished", step=step))

    assert [value for _, value in heard.values["weight_gradients_weights_ratio/fc"]] == [0.5, 0.25]


def test_10_a_module_that_never_says_one_of_the_two_gives_no_ratio_and_no_error(bus, heard):
    net = nn.Sequential(nn.Linear(4, 2), nn.ReLU())
    metrics.RatioSubscriber("activations", "weight_gradients", bus=bus)
    with Exporter(message_bus=bus) as exporter:
        exporter.add_modules(net)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(2):
            net(torch.randn(8, 4)).sum().backward()
            optimizer.step()

    assert set(heard.values) == {"activations_weight_gradients_ratio/linear0"}


@pytest.mark.parametrize("subsample", [1, 2, 3])
def test_17_a_message_mean_of_a_metric_that_is_subsampled_skips_a_step(bus, heard, subsample: int):
    metrics.NormSubscriber("weights", subsample=subsample, bus=bus)
    metrics.MessageMeanSubscriber("weights_norm2", bus=bus)

    for step in range(1, 7):
        bus.publish(Message("weights", torch.tensor([3.0, 4.0]), step, key="fc"))
        bus.publish(Message("batch_finished", step=step))
        bus.publish(Message("step_finished", step=step))

    assert heard.values["weights_norm2_message_mean"] == [(step, 5.0) for step in range(1, 7, subsample)]


def test_19_test_accuracy_counts_samples_not_batches_and_needs_no_graph(bus, heard):
    graphs: list[bool] = []

    class Asked(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            graphs.append(torch.is_grad_enabled())
            return super().forward(input)

    net = Asked(2, 2, bias=False)
    nn.init.eye_(net.weight)
    batches = [
        (torch.eye(2)[[0, 0, 0, 0]], torch.zeros(4).long()),
        (torch.eye(2)[[1]], torch.zeros(1).long()),
    ]
    metrics.TestAccuracySubscriber(net, batches, bus=bus)
    bus.publish(Message("batch_finished", step=1))

    assert heard.values["test_accuracy"] == [(1, pytest.approx(0.8))]
    assert graphs == [False, False]


def test_20_one_that_could_not_be_made_goes_without_a_word():
    with pytest.raises(MetricError, match="takes 2 topics"):
        metrics.RatioSubscriber("weights", bus=Bus())

    gc.collect()  # pytest tells of exceptions that nobody could catch


def test_and_a_ratio_to_nothing_is_neither_infinite_nor_nan(bus, heard):
    metrics.RatioSubscriber("bias_updates", "biases", bus=bus)

    bus.publish(Message("biases", torch.zeros(3), 1, key="fc"))
    bus.publish(Message("bias_updates", torch.ones(3), 1, key="fc"))
    bus.publish(Message("batch_finished", step=1))

    assert heard.values == {}


def test_and_what_is_published_holds_no_graph(bus, heard):
    metrics.NormSubscriber(bus=bus)

    bus.publish(Message("weights", nn.Parameter(torch.ones(4)) * 2, 1, key="fc"))
    bus.publish(Message("batch_finished", step=1))

    assert heard.values == {"weights_norm2/fc": [(1, 4.0)]}
    assert all(type(value) is float for message in heard.messages for value in message.data.values)


def test_and_the_spectral_norm_of_zeros_is_zero(bus, heard):
    metrics.SpectralNormSubscriber(bus=bus)

    for step in (1, 2):
        bus.publish(Message("weights", torch.zeros(3, 2), step, key="fc"))
        bus.publish(Message("batch_finished", step=step))

    assert [value for _, value in heard.values["weights_spectral_norm/fc"]] == [0, 0]
    assert not any(math.isnan(value) for _, value in heard.values["weights_spectral_norm/fc"])


def test_21_eigenvalues_are_numbered_falling(bus, heard):
    net = nn.Linear(4, 1)
    data = (torch.randn(32, 4) * torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.zeros(32, 1))
    metrics.HessianEigenSubscriber(net, data, loss=nn.functional.mse_loss, count=3, bus=bus)

    bus.publish(Message("batch_finished", step=1))

    found = [heard.values[f"hessian_eigenvalue/{number}"][0][1] for number in (1, 2, 3)]
    assert found == sorted(found, reverse=True)
