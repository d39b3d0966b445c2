"""What went wrong in Ikkuna, by the numbers of its list; those of metrics and back ends are there."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from akidlab.exporter import Exporter
from akidlab.messages import Bundle, Bus, CallbackSubscriber, SynchronizedSubscription
from tests.exporter.conftest import learn, net


def test_1_evaluation_stays_evaluation(watched, heard):
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
    exporter = watched(model)
    statistics = model[1].running_mean.clone()

    model.eval()
    first, second = model(torch.ones(5, 4)), model(torch.ones(5, 4))

    torch.testing.assert_close(first, second)
    torch.testing.assert_close(model[1].running_mean, statistics)
    assert exporter.step == 1
    assert {m.tag for m in heard.messages} == {"eval"}


def test_2_modes_are_chained(watched):
    model = net()
    watched(model)

    assert model.eval() is model
    assert model.train() is model


def test_3_a_pass_between_steps_leaves_updates_alone(bus, watched, heard):
    model = net()
    exporter = watched(model)
    optimizer = SGD(model.parameters(), 0.1)

    def evaluate(message: object) -> None:
        model.eval()
        with torch.no_grad():
            model(torch.ones(5, 4))
        model.train()

    bus.subscribe(CallbackSubscriber(evaluate, topics=["batch_finished"]))
    learn(model, optimizer, steps=3)

    assert exporter.step == 4
    for step in (1, 2, 3):
        update = heard.of("weight_updates", "linear0", step)[0]
        torch.testing.assert_close(update, -0.1 * heard.of("weight_gradients", "linear0", step)[0])
        assert float(update.abs().max()) > 0


def test_4_a_frozen_module_stands_still(watched, heard):
    model = net()
    exporter = watched(model)
    optimizer = SGD(model.parameters(), 0.1, momentum=0.9)
    learn(model, optimizer, steps=2)
    weight = model[0].weight.clone()

    exporter.freeze_module(model[0])
    exporter.freeze_module(model[0])
    learn(model, optimizer, steps=2)

    torch.testing.assert_close(model[0].weight, weight, rtol=0, atol=0)
    assert heard.keys("weight_updates")[-2:] == ["linear1", "linear1"]
    assert not any(p.requires_grad for p in model[0].parameters())


def test_5_who_detached_is_silent(watched, heard):
    model = net()
    exporter = watched(model)

    exporter.detach()
    learn(model, SGD(model.parameters(), 0.1))

    assert heard.messages == []


@pytest.mark.parametrize("together", [False, True])
def test_6_callbacks_are_called(bus, watched, together):
    model, told = net(), []
    bus.subscribe(CallbackSubscriber(told.append, topics=["weights", "weight_gradients"], together=together))
    watched(model)

    learn(model, SGD(model.parameters(), 0.1))

    assert [m.key for m in told] == (
        ["linear0", "linear1"] if together else ["linear0"] * 2 + ["linear1"] * 2
    )


def test_8_weights_and_gradients_are_of_the_same_step(bus, watched):
    model, told = net(), []

    def keep(bundle: Bundle) -> None:
        if bundle.key == "linear0":
            told.append([tensor.clone() for tensor in bundle.data.values()])

    kinds = ["weights", "weight_gradients", "weight_updates"]
    bus.subscribe(CallbackSubscriber(keep, topics=kinds, together=True))
    watched(model)

    learn(model, SGD(model.parameters(), 0.1), steps=4)

    assert len(told) == 4
    for (weights, gradients, updates), (then, *_) in pairwise(told):
        torch.testing.assert_close(then, weights - 0.1 * gradients)
        torch.testing.assert_close(then, weights + updates)


def test_9_the_last_batch_is_told_and_epochs_begin_with_their_first_step(watched, heard):
    model = net()
    exporter = watched(model)
    for _ in range(2):
        learn(model, SGD(model.parameters(), 0.1), steps=2)
        exporter.epoch_finished()

    finished = [(m.step, m.epoch, m.train_step) for m in heard.messages if m.topic == "step_finished"]

    assert finished == [(1, 0, 1), (2, 0, 2), (3, 1, 1), (4, 1, 2)]


def test_10_bundles_bear_modules_that_lack_a_kind_and_layers_called_twice(bus, watched):
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.relu = nn.Linear(4, 4), nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.relu(self.fc(self.relu(self.fc(x))))

    model, bundles, mixed = Twice(), [], []
    bus.subscribe(
        CallbackSubscriber(bundles.append, topics=["activations", "weight_gradients"], together=True)
    )
    bus.subscribe(CallbackSubscriber(mixed.append, topics=["activations", "network_output"], together=True))
    watched(model)

    learn(model, SGD(model.parameters(), 0.1), steps=3)

    assert [(bundle.key, bundle.step) for bundle in bundles] == [("fc", 1), ("fc", 2), ("fc", 3)]
    assert [bundle.key for bundle in mixed] == ["fc", "relu", "fc:2", "relu:2"] * 3
    assert len(bus.subscribers) == 2


@pytest.mark.parametrize(
    "layer",
    [
        nn.BatchNorm1d(4, affine=False),
        nn.Linear(4, 4, bias=False),
        nn.LayerNorm(4, bias=False),
        nn.Linear(4, 4).requires_grad_(False),
    ],
)
def test_11_layers_lack_this_or_that(watched, heard, layer):
    model = nn.Sequential(nn.Linear(4, 4), layer, nn.Linear(4, 2))
    watched(model)

    learn(model, SGD([p for p in model.parameters() if p.requires_grad], 0.1))

    assert len(heard.keys("activations")) == len(heard.keys("layer_gradients")) == 3
    assert {"linear0"} < set(heard.keys("weight_updates"))


def test_11_a_bias_may_be_frozen_on_the_way(watched, heard):
    model = net()
    watched(model)
    optimizer = SGD(model.parameters(), 0.1)
    learn(model, optimizer)

    model[0].bias.requires_grad_(False)
    learn(model, optimizer)

    assert heard.of("bias_gradients", "linear0", step=2) == []
    assert len(heard.of("weight_gradients", "linear0", step=2)) == 1


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_12_a_copy_is_a_model_of_its_own(watched, heard, copied):
    model = net()
    watched(model)
    learn(model, SGD(model.parameters(), 0.1))
    told = len(heard.messages)

    twin = copied(model)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()

    assert float(twin(torch.ones(5, 4)).detach().abs().max()) == 0
    assert len(heard.messages) == told


def test_13_what_a_layer_gave_is_told_before_the_next_one_changes_it(bus, watched, heard):
    model, bundles = net(inplace=True), []
    bus.subscribe(
        CallbackSubscriber(bundles.append, topics=["activations", "layer_gradients"], together=True)
    )
    watched(model)

    learn(model, SGD(model.parameters(), 0.1))

    assert float(heard.of("activations", "linear0")[0].min()) < 0
    assert float(next(b for b in bundles if b.key == "linear0").activations.min()) < 0
    assert float(heard.of("activations", "relu0")[0].min()) == 0


def test_14_batches_that_are_gathered_make_one_step(watched, heard):
    model = net()
    exporter = watched(model)
    optimizer = SGD(model.parameters(), 0.1)
    for _ in range(4):
        model(torch.randn(5, 4)).square().mean().backward()

    optimizer.step()

    assert exporter.step == 2
    assert [m.step for m in heard.messages if m.topic == "weight_updates"] == [1, 1]
    assert min(float(update.abs().max()) for update in heard.of("weight_updates")) > 0


def test_15_topics_belong_to_one_bus():
    first, second = Bus(), Bus()

    first.register_topic("mine")

    assert second.topics == ()
    assert "mine" not in Exporter(message_bus=second).bus.topics


def test_16_any_part_may_be_called_first(watched, heard):
    model = net()
    watched(model)

    model[2](model[1](torch.ones(5, 3)))

    assert {m.step for m in heard.messages} == {1}


def test_20_an_exporter_that_could_not_be_made_is_no_trouble():
    with pytest.raises(ValueError, match="`every` is a whole number"):
        Exporter(every=0)


def test_21_subscribers_hear_in_their_order_and_may_leave(bus, watched):
    model, order = net(), []
    subscribers = [
        CallbackSubscriber(lambda message, name=name: order.append(name), topics=["batch_finished"])
        for name in "abcdef"
    ]
    for subscriber in subscribers:
        bus.subscribe(subscriber)
    watched(model)
    learn(model, SGD(model.parameters(), 0.1))
    for subscriber in subscribers[1:]:
        bus.unsubscribe(subscriber)
    learn(model, SGD(model.parameters(), 0.1))

    assert "".join(order) == "abcdef" + "a"


def test_21_nothing_is_heard_of_a_bus_that_one_is_not_on(watched, heard):
    other = net()
    with Bus("another"):
        exporter = Exporter()
        exporter.add_modules(other)

    learn(other, SGD(other.parameters(), 0.1))
    exporter.detach()

    assert heard.messages == []
    assert SynchronizedSubscription(["weights"]).kinds == ("weights",)
