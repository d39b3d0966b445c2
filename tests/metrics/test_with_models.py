"""Metrics that ask the model itself, while it learns: it learns as if nobody had asked."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from akidlab import Brain, InnerProductLayer, ReLULayer, SoftmaxWithLossLayer, metrics
from akidlab.errors import DataError, KindError
from akidlab.exporter import Exporter
from akidlab.messages import Bus, Message
from akidlab.metrics.looking import activations_of, batches_of
from akidlab.ops import hessian


def a_net() -> nn.Sequential:
    """A stranger's net, with whatever differs between training and validation."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(8, 3)
    )


def some_data(n: int = 20) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, 6, generator=generator), torch.randint(0, 3, (n,), generator=generator)


def learn(net: nn.Module, steps: int = 4) -> list[Tensor]:
    torch.manual_seed(3)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        x = torch.randn(16, 6)
        nn.functional.cross_entropy(net(x), (x[:, 0] > 0).long()).backward()
        optimizer.step()
    return [*net.parameters(), *net.buffers()]


def a_brain() -> tuple[Brain, tuple[Tensor, Tensor]]:
    brain = Brain(name="small").attach(
        InnerProductLayer(out_channel_num=5, name="ip1"),
        ReLULayer(name="relu1"),
        InnerProductLayer(out_channel_num=3, name="ip2"),
        SoftmaxWithLossLayer(inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}]),
    )
    data = some_data()
    brain.setup(list(data), seed=0)
    return brain, data


MAKERS = {
    "test_accuracy": lambda net, bus: metrics.TestAccuracySubscriber(
        net, DataLoader(TensorDataset(*some_data()), batch_size=8), frequency=1, bus=bus
    ),
    "hessian": lambda net, bus: metrics.HessianEigenSubscriber(
        net, some_data(), loss=nn.functional.cross_entropy, frequency=1, bus=bus
    ),
    "svcca": lambda net, bus: metrics.SVCCASubscriber(net, some_data(), frequency=1, bus=bus),
    "cka": lambda net, bus: metrics.CKASubscriber(net, some_data(), frequency=1, bus=bus),
}


@pytest.mark.parametrize("name", MAKERS)
def test_the_model_learns_as_if_nobody_had_asked(bus, heard, name: str):
    net, alone = a_net(), a_net()

    with Exporter(message_bus=bus) as exporter:
        exporter.add_modules(net)
        MAKERS[name](net, bus)
        watched = learn(net)

    assert all(torch.equal(a, b) for a, b in zip(watched, learn(alone), strict=True))
    assert net.training
    assert heard.values


@pytest.mark.parametrize("name", MAKERS)
def test_updates_and_weights_of_the_step_are_not_touched(bus, heard, name: str):
    net = a_net()
    with Exporter(message_bus=bus) as exporter:
        exporter.add_modules(net)
        MAKERS[name](net, bus)
        metrics.NormSubscriber("weight_updates", bus=bus)
        learn(net)

    assert all(value > 0 for _, value in heard.values["weight_updates_norm2/linear0"])


def test_each_sample_counts_once_whatever_the_batches(bus, heard):
    identity = nn.Identity()
    right, wrong = (torch.eye(2)[[0] * 4], torch.zeros(4).long()), (torch.eye(2)[[1]], torch.zeros(1).long())
    metrics.TestAccuracySubscriber(identity, [right, wrong], bus=bus)
    metrics.TestAccuracySubscriber(lambda x: x, [right, wrong], bus=bus, publish="by_function")

    bus.publish(Message("batch_finished", step=1))

    assert heard.values == {
        "test_accuracy": [(1, pytest.approx(0.8))],
        "by_function": [(1, pytest.approx(0.8))],
    }


def test_loss_and_accuracy_are_those_of_all_samples_together():
    net, (x, y) = a_net().eval(), some_data()
    loader = DataLoader(TensorDataset(x, y), batch_size=8)

    wanted = nn.functional.cross_entropy(net(x), y).detach()
    assert metrics.loss_of(net, loader, nn.functional.cross_entropy) == pytest.approx(float(wanted))
    assert metrics.accuracy_of(net, loader) == pytest.approx(float((net(x).argmax(1) == y).float().mean()))


def test_the_mean_of_messages_is_theirs_and_nan_of_none():
    assert metrics.message_mean([1, torch.tensor(4.0)]) == 2.5
    assert math.isnan(metrics.message_mean([]))


def test_it_asks_at_the_first_step_and_at_every_so_many(bus, heard):
    metrics.TestAccuracySubscriber(a_net(), some_data(), frequency=3, bus=bus)

    for step in range(1, 9):
        bus.publish(Message("batch_finished", step=step))

    assert [step for step, _ in heard.values["test_accuracy"]] == [1, 4, 7]


def test_a_brain_is_asked_as_well_and_keeps_what_it_said_last(bus, heard):
    brain, data = a_brain()
    brain(*data)
    said = brain.data
    metrics.TestAccuracySubscriber(brain, data, bus=bus)
    metrics.HessianEigenSubscriber(brain, data, count=2, bus=bus)
    metrics.CKASubscriber(brain, data, frequency=1, bus=bus)

    for step in (1, 2):
        bus.publish(Message("batch_finished", step=step))

    wanted = (brain.infer(data[0]).argmax(1) == data[1]).float().mean()
    assert heard.values["test_accuracy"] == [(1, pytest.approx(float(wanted)))]
    dense = torch.linalg.eigvalsh(hessian(brain.objective(*data), list(brain.parameters())))
    found = [heard.values[f"hessian_eigenvalue/{i}"][0][1] for i in (1, 2)]
    assert found == pytest.approx(dense.flip(0)[:2].tolist(), rel=1e-3)
    assert {"self_similarity_cka/ip1", "self_similarity_cka/relu1"} <= set(heard.values)
    assert said is not None


def test_a_strangers_model_without_a_loss_has_no_curvature():
    with pytest.raises(KindError, match=r"A Sequential has no loss of its own. Give one: loss="):
        metrics.HessianEigenSubscriber(a_net(), some_data(), bus=Bus())


def test_a_layer_that_did_not_change_is_like_itself_and_one_that_did_is_less(bus, heard):
    net = a_net()
    metrics.SVCCASubscriber(net, some_data(200), frequency=1, bus=bus)

    bus.publish(Message("batch_finished", step=1))
    bus.publish(Message("batch_finished", step=2))
    with torch.no_grad():
        net[4].weight.copy_(torch.randn(3, 8))
        net[0].weight[:4] = torch.randn(4, 6)
    bus.publish(Message("batch_finished", step=3))

    assert set(heard.values) == {
        f"self_similarity/{name}" for name in ("linear0", "batchnorm1d0", "relu0", "dropout0", "linear1")
    }
    first, second = heard.values["self_similarity/linear1"]
    assert first == (2, pytest.approx(1))
    assert second[1] < 0.95


def test_a_layer_that_changes_no_more_is_frozen_and_not_looked_at_again(bus, heard):
    net = a_net()
    with Exporter(message_bus=bus) as exporter:
        exporter.add_modules(net)
        metric = metrics.CKASubscriber(
            net, some_data(100), exporter=exporter, freeze_at=1 - 1e-6, bus=bus, frequency=1
        )
        for step in (1, 2, 3):
            bus.publish(Message("batch_finished", step=step))

    assert not any(p.requires_grad for p in net.parameters())
    assert set(metric.frozen) == {module.name for module in exporter.named_modules}
    assert [step for step, _ in heard.values["self_similarity_cka/linear1"]] == [2]


def test_frozen_without_an_exporter_momentum_does_not_move_it_either(bus, heard):
    net = a_net()
    learn(net)
    metrics.CKASubscriber(net, some_data(100), freeze_at=0, bus=bus, frequency=1)
    for step in (1, 2):
        bus.publish(Message("batch_finished", step=step))
    before = copy.deepcopy(net.state_dict())

    assert not any(p.requires_grad or p.grad is not None for p in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_activations_are_those_of_before_the_next_layer_changed_them_in_place():
    net = a_net()
    data = batches_of(some_data())

    found = activations_of(net, data)

    assert float(found["batchnorm1d0"].min()) < 0
    assert float(found["relu0"].min()) == 0
    assert found["linear1"].shape == (20, 3)


@pytest.mark.parametrize("data", [[], [(torch.zeros(1), "cat")], {"x": 1}])
def test_data_that_are_no_batches_are_refused(data: object):
    with pytest.raises(DataError, match=r"Data are inputs, \(inputs, labels\), or a list of such batches"):
        batches_of(data)  # type: ignore[arg-type]


def test_answers_cannot_be_judged_without_labels():
    metric = metrics.TestAccuracySubscriber(a_net(), torch.zeros(4, 6), bus=Bus())

    with pytest.raises(DataError, match=r"there must be labels: give \(inputs, labels\)"):
        metric.compute(Message("batch_finished"))


def test_a_constant_layer_is_like_nothing_and_freezes_nothing(bus, heard):
    net = nn.Sequential(nn.Linear(6, 4))
    nn.init.zeros_(net[0].weight)
    metric = metrics.SVCCASubscriber(net, some_data(), freeze_at=0.5, frequency=1, bus=bus)

    for step in (1, 2):
        bus.publish(Message("batch_finished", step=step))

    assert math.isnan(heard.values["self_similarity/linear0"][0][1])
    assert metric.frozen == []
