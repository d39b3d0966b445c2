"""All that a step publishes carries its number, and tells what was."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam

from akidlab.exporter import Exporter
from akidlab.messages import CallbackSubscriber
from tests.exporter.conftest import learn, net


def test_what_a_step_publishes_comes_in_the_order_in_which_it_happens(watched, heard):
    model = net()
    watched(model)

    learn(model, SGD(model.parameters(), 0.1))

    expected = [
        "epoch_started",
        "batch_started",
        "input_data",
        *["activations"] * 3,
        "network_output",
        *["layer_gradients"] * 3,
        *["weights", "weight_gradients", "biases", "bias_gradients"] * 2,
        *["weight_updates", "bias_updates"] * 2,
        "batch_finished",
        "step_finished",
    ]
    assert [m.topic for m in heard.messages] == expected
    assert {(m.step, m.tag) for m in heard.messages} == {(1, "train")}


@pytest.mark.parametrize(
    "make", [lambda p: SGD(p, 0.1), lambda p: SGD(p, 0.1, nesterov=True, momentum=0.9), Adam]
)
def test_weights_gradients_and_updates_of_a_step_belong_together(watched, heard, make):
    model = net()
    watched(model)
    optimizer = make(model.parameters())

    weights, gradients = [], []
    for _ in range(3):
        model(torch.randn(5, 4)).square().mean().backward()
        weights.append(model[0].weight.detach().clone())
        gradients.append(model[0].weight.grad.clone())
        optimizer.step()
        optimizer.zero_grad()
    weights.append(model[0].weight.detach().clone())

    torch.testing.assert_close(heard.of("weights", "linear0"), weights[:3])
    torch.testing.assert_close(heard.of("weight_gradients", "linear0"), gradients)
    updates = [after - before for before, after in pairwise(weights)]
    torch.testing.assert_close(heard.of("weight_updates", "linear0"), updates)
    assert [m.step for m in heard.messages if m.topic == "weights" and m.key == "linear0"] == [1, 2, 3]


def test_the_batches_that_make_a_step_belong_to_it(watched, heard):
    model = net()
    watched(model)
    optimizer = SGD(model.parameters(), 0.1)

    for _ in range(2):
        for _ in range(3):
            (model(torch.randn(5, 4)).square().mean() / 3).backward()
        total = model[0].weight.grad.clone()
        optimizer.step()
        optimizer.zero_grad()

    assert [m.step for m in heard.messages if m.key == "linear1" and m.topic == "activations"] == [1] * 3 + [
        2
    ] * 3
    assert heard.keys("weight_gradients") == ["linear0", "linear1"] * 2
    torch.testing.assert_close(heard.of("weight_gradients", "linear0", step=2)[0], total)
    torch.testing.assert_close(heard.of("weight_updates", "linear0", step=2)[0], -0.1 * total)


def test_a_gradient_is_told_as_it_was_clipped(watched, heard):
    model = net()
    watched(model)
    optimizer = SGD(model.parameters(), 0.1)

    model(torch.randn(5, 4)).square().sum().backward()
    nn.utils.clip_grad_norm_(model.parameters(), 0.001)
    optimizer.step()

    told = torch.cat([g.flatten() for topic in ("weight", "bias") for g in heard.of(f"{topic}_gradients")])
    assert float(told.norm()) == pytest.approx(0.001, rel=0.01)


@pytest.mark.parametrize("fused", [False, True])
def test_a_gradient_is_told_without_the_scale_of_mixed_precision(watched, heard, fused):
    model = net()
    plain = [
        p.clone() for p in torch.autograd.grad(model(torch.ones(5, 4)).square().mean(), model.parameters())
    ]
    watched(model)
    optimizer, scaler = (
        SGD(model.parameters(), 0.1, fused=fused),
        torch.amp.GradScaler("cpu", init_scale=1024.0),
    )

    scaler.scale(model(torch.ones(5, 4)).square().mean()).backward()
    scaler.step(optimizer)
    scaler.update()

    torch.testing.assert_close(heard.of("weight_gradients", "linear0")[0], plain[0])
    torch.testing.assert_close(heard.of("weight_updates", "linear0")[0], -0.1 * plain[0])


@pytest.mark.parametrize("fused", [False, True])
def test_gradients_that_overflowed_are_not_told(watched, heard, fused):
    model = net()
    watched(model)
    optimizer, scaler = (
        SGD(model.parameters(), 0.1, fused=fused),
        torch.amp.GradScaler("cpu", init_scale=1024.0),
    )

    scaler.scale(model(torch.full((5, 4), 1e30)).square().mean()).backward()
    scaler.step(optimizer)
    scaler.update()

    assert heard.of("weight_gradients") == []
    assert all(float(update.abs().max()) == 0 for update in heard.of("weight_updates"))


def test_a_closure_computes_the_gradients_within_the_step(watched, heard):
    model, given = net(), torch.randn(5, 4)
    watched(model)
    optimizer = SGD(model.parameters(), 0.1)
    before = model[0].weight.detach().clone()

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = model(given).square().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    optimizer.step(closure)

    torch.testing.assert_close(heard.of("weights", "linear0", 1)[0], before)
    torch.testing.assert_close(
        heard.of("weight_updates", "linear0", 1)[0], -0.1 * heard.of("weight_gradients", "linear0", 1)[0]
    )
    assert [m.step for m in heard.messages if m.topic == "activations"] == [1] * 3 + [2] * 3


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("every", [1, 3])
def test_an_optimizer_that_wraps_another_makes_one_step(watched, heard, every, given):
    class Wrapping(SGD):
        def step(self, closure=None):
            return super().step(closure)

    SGD([nn.Parameter(torch.ones(1))], 0.1)  # now both `step`s call hooks
    model = net()
    optimizer = Wrapping(model.parameters(), 0.1)
    exporter = watched(model, every=every, optimizer=optimizer if given else None)

    learn(model, optimizer, steps=3)

    assert heard.keys("weights") == ["linear0", "linear1"] * (3 if every == 1 else 2)
    assert exporter.step == 4


def test_an_optimizer_of_another_model_is_no_step(watched, heard):
    model, other = net(), net()
    exporter = watched(model)

    learn(other, SGD(other.parameters(), 0.1))

    assert heard.messages == []
    assert exporter.step == 1


def test_a_given_optimizer_is_the_one_that_counts(watched, heard):
    model = net()
    first, second = SGD(model[0].parameters(), 0.1), SGD(model[2].parameters(), 0.1)
    exporter = watched(model, optimizer=second)

    model(torch.randn(5, 4)).square().mean().backward()
    first.step()
    second.step()

    assert exporter.step == 2
    assert heard.keys("batch_finished") == [None]


def test_a_step_that_fails_may_be_made_again(watched, heard):
    model = net()
    exporter = watched(model)
    optimizer = SGD(model.parameters(), 0.1)

    def closure() -> Tensor:
        raise RuntimeError("no data")

    with pytest.raises(RuntimeError, match="no data"):
        optimizer.step(closure)
    learn(model, optimizer)

    assert heard.keys("weight_gradients") == ["linear0", "linear1"]
    assert exporter.step == 2


def test_a_step_that_was_interrupted_leaves_the_next_one_whole(watched, heard):
    class Interrupted(SGD):
        fails = True

        @torch.no_grad()
        def step(self, closure=None):
            self.param_groups[0]["params"][0].add_(100)
            if self.fails:
                self.fails = False
                raise KeyboardInterrupt
            return super().step(closure)

    model = net()
    exporter = watched(model)
    optimizer = Interrupted(model.parameters(), 0.1)

    with pytest.raises(KeyboardInterrupt):
        learn(model, optimizer)
    heard.messages = []
    learn(model, optimizer)

    assert exporter.step == 2
    assert exporter.optimizer is optimizer
    assert heard.keys("weight_gradients") == heard.keys("weight_updates") == ["linear0", "linear1"]
    gradient = heard.of("weight_gradients", "linear0")[0]
    torch.testing.assert_close(heard.of("weight_updates", "linear0")[0], 100 - 0.1 * gradient)


@pytest.mark.parametrize("given", [False, True])
def test_steps_that_are_not_due_tell_nothing(watched, heard, given):
    model, observing = net(), []
    optimizer = SGD(model.parameters(), 0.1)
    exporter = watched(model, every=4, optimizer=optimizer if given else None)

    for _ in range(9):
        observing.append(exporter.is_observing)
        learn(model, optimizer)

    assert observing == [True, False, False, True, False, False, False, True, False]
    assert {m.step for m in heard.messages} == {1, 4, 8}
    assert {len(heard.of("activations", step=step)) for step in (1, 4, 8)} == {3}


def test_how_often_may_be_changed_on_the_way(watched, heard):
    model = net()
    exporter = watched(model, every=2)
    exporter.on_step.append(lambda exporter: setattr(exporter, "every", 3))

    learn(model, SGD(model.parameters(), 0.1), steps=7)

    assert sorted({m.step for m in heard.messages}) == [1, 3, 6]
    with pytest.raises(ValueError, match="`every` is a whole number of 1 or more, found 0"):
        exporter.every = 0


def test_a_clock_says_which_step_it_is(watched, heard):
    model, now = net(), [7, 2, 3]
    watched(model, every=8, clock=lambda: tuple(now))
    optimizer = SGD(model.parameters(), 0.1)

    for _ in range(3):
        learn(model, optimizer)
        now[0] += 1
        now[2] += 1

    assert {(m.step, m.epoch, m.train_step) for m in heard.messages} == {(8, 2, 4)}


def test_epochs_are_counted(watched, heard):
    model = net()
    exporter = watched(model)
    optimizer = SGD(model.parameters(), 0.1)

    learn(model, optimizer, steps=2)
    exporter.epoch_finished()
    learn(model, optimizer)

    told = [
        (m.topic, m.step, m.epoch, m.train_step)
        for m in heard.messages
        if m.topic in ("epoch_started", "batch_finished", "epoch_finished")
    ]
    assert told == [
        ("epoch_started", 1, 0, 1),
        ("batch_finished", 1, 0, 1),
        ("batch_finished", 2, 0, 2),
        ("epoch_finished", 2, 0, 2),
        ("epoch_started", 3, 1, 1),
        ("batch_finished", 3, 1, 1),
    ]


def test_parameters_without_gradients_are_told_as_far_as_they_go(watched, heard):
    model = net()
    model[0].weight.requires_grad_(False)
    model[2].bias.requires_grad_(False)
    watched(model)

    learn(model, SGD(model.parameters(), 0.1))

    assert heard.keys("weights") == heard.keys("biases") == ["linear0", "linear1"]
    assert heard.keys("weight_gradients") == heard.keys("weight_updates") == ["linear1"]
    assert heard.keys("bias_gradients") == heard.keys("bias_updates") == ["linear0"]


def test_a_sparse_gradient_has_the_shape_of_its_parameter(watched, heard):
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(10, 3, sparse=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.words(x)

    model = Words()
    watched(model)

    learn(model, SGD(model.parameters(), 0.1), given=torch.tensor([1, 1, 4]))

    assert heard.of("weight_gradients", "words")[0].shape == (10, 3)


def test_what_it_costs_is_measured(watched, heard):
    model, seen = net(), []
    exporter = watched(model)
    exporter.on_step.append(lambda exporter: seen.append((exporter.cost > 0, exporter.step)))

    learn(model, SGD(model.parameters(), 0.1), steps=2)

    assert seen == [(True, 1), (True, 2)]


def test_a_subscriber_that_fails_does_not_stop_training(bus, watched, heard, caplog):
    def fail(message: object) -> None:
        raise RuntimeError("no idea")

    told, model = [], net()
    bus.subscribe(CallbackSubscriber(fail, topics=["weights"]))
    bus.subscribe(CallbackSubscriber(told.append, topics=["event"]))
    watched(model)

    learn(model, SGD(model.parameters(), 0.1), steps=2)

    assert [m.data.data["text"] for m in told] == [
        "CallbackSubscriber failed on `weights` and was switched off: RuntimeError('no idea')"
    ]
    assert heard.keys("weights") == ["linear0", "linear1"] * 2


@pytest.mark.parametrize("given", [False, True])
def test_who_comes_later_hears_at_once(bus, watched, given):
    model, told = net(), []
    optimizer = SGD(model.parameters(), 0.1)
    watched(model, optimizer=optimizer if given else None)
    learn(model, optimizer, steps=3)

    bus.subscribe(CallbackSubscriber(told.append, topics=["activations", "weight_updates"]))
    learn(model, optimizer)

    assert [(m.key, m.step) for m in told] == [
        *[("linear0", 4), ("relu0", 4), ("linear1", 4)],
        *[("linear0", 4), ("linear1", 4)],
    ]


def test_who_comes_or_goes_within_a_step_hurts_nothing(bus, watched):
    model, told = net(), []
    optimizer = SGD(model.parameters(), 0.1)
    watched(model, optimizer=optimizer)
    late = CallbackSubscriber(told.append, topics=["weight_updates"])
    comes = optimizer.register_step_pre_hook(lambda *_: bus.subscribe(late))
    learn(model, optimizer)
    comes.remove()
    learn(model, optimizer, steps=2)
    goes = optimizer.register_step_pre_hook(lambda *_: bus.unsubscribe(late))
    learn(model, optimizer)
    goes.remove()
    learn(model, optimizer)

    assert sorted({m.step for m in told}) == [2, 3]
    bus.subscribe(late)
    learn(model, optimizer)
    assert told[-1].step == 6


def test_a_topic_that_nobody_wants_hooks_nothing(bus, watched):
    from torch.nn.modules import module as hooks

    model = net()
    watched(model)
    told = []
    bus.subscribe(CallbackSubscriber(told.append, topics=["weights"]))

    assert not hooks._global_forward_hooks
    assert not hooks._global_forward_pre_hooks
    learn(model, SGD(model.parameters(), 0.1))
    assert len(told) == 2


def test_the_default_bus_is_the_one_around(bus):
    with bus:
        exporter = Exporter()

    assert exporter.message_bus is exporter.bus is bus
