"""One update of the brain: the mathematics, checked against torch."""

from __future__ import annotations

import pytest
import torch
from torch.nn.utils import clip_grad_norm_

from akidlab import Brain, GradientDescentKongFu, InnerProductLayer, SoftmaxWithLossLayer
from akidlab.kids import state
from akidlab.kids.update import _step


def by_hand(kid, steps, change=lambda parameters: None):
    """The loop that an expert would write around the same brain."""
    kid.setup()
    brain, parameters = kid.brain, kid.parameters
    optimizer = torch.optim.SGD(parameters, lr=0.05, momentum=0.9, fused=True)
    for _ in range(steps):
        optimizer.zero_grad()
        brain(kid.sensor.next())
        brain.loss.backward()
        change(parameters)
        optimizer.step()


def test_a_kid_learns_as_a_loop_by_hand_does(make_kid, weights_of):
    kid, other = make_kid(max_steps=20, skip_validation=True), make_kid()
    kid.practice()

    by_hand(other, 20)

    assert weights_of(kid).equal(weights_of(other))


def test_gradients_are_clipped_by_their_common_norm(make_kid, weights_of):
    kid, other = make_kid(clip_norm=0.1, skip_validation=True), make_kid()
    kid.practice()

    by_hand(other, 20, lambda parameters: clip_grad_norm_(parameters, 0.1))

    assert weights_of(kid).equal(weights_of(other))


def test_small_batches_together_make_the_step_of_a_large_one(make_kid, weights_of):
    options = {"skip_validation": True, "max_steps": 14}  # one epoch but for its last, shorter batch
    small = make_kid(batch_size=25, accumulate=4, kongfu=GradientDescentKongFu(lr=0.1), **options)
    large = make_kid(batch_size=100, kongfu=GradientDescentKongFu(lr=0.1), **options)
    small.practice()
    large.practice()

    assert torch.allclose(weights_of(small), weights_of(large), atol=1e-6)
    assert small.sensor.position == large.sensor.position


def test_an_epoch_of_accumulated_batches_has_fewer_steps(make_kid):
    kid, ends = make_kid(batch_size=50, accumulate=2, max_epoch=2), []
    kid.hooks.on_epoch_end.append(lambda k: ends.append((int(k.clock), k.epoch)))

    kid.practice()

    assert (kid.batches_per_epoch, ends) == (29, [(15, 1), (29, 2)])


def test_the_loss_told_is_the_mean_over_the_accumulated_batches(make_kid, listen):
    small, large = make_kid(batch_size=25, accumulate=4, max_steps=1), make_kid(batch_size=100, max_steps=1)
    heard = [listen(small), listen(large)]
    small.practice()
    large.practice()

    first, second = (h.samples("loss")[1] for h in heard)

    assert first == pytest.approx(second, abs=1e-6)


def test_bf16_computes_in_bfloat16_and_learns(make_kid):
    kid, kinds = make_kid(precision="bf16", max_steps=60), set()
    kid.setup()
    kid.brain["ip2"].post_forward_hook.append(lambda block, *_: kinds.add(block.data.dtype))

    loss = kid.practice()

    assert kinds == {torch.bfloat16}
    assert next(kid.brain.parameters()).dtype == torch.float32
    assert loss < 1


def test_a_compiled_brain_learns_the_same(make_kid, weights_of):
    plain, compiled = make_kid(max_steps=5), make_kid(max_steps=5, compile={"backend": "eager"})
    plain.practice()
    compiled.practice()

    assert torch.allclose(weights_of(plain), weights_of(compiled), atol=1e-6)


def test_a_parameter_that_was_frozen_between_two_practices_stays(make_kid):
    kid = make_kid(max_steps=10, skip_validation=True)
    kid.practice()
    frozen, moving = kid.brain["ip1"].weight, kid.brain["ip2"].weight
    momentum = kid.optimizer.state[moving]["momentum_buffer"].clone()
    frozen.requires_grad_(False)
    kid.max_steps = 10
    kid.practice()  # no step is left, but the parts are put together anew

    assert len(kid.parameters) == 3
    assert kid.optimizer.state[moving]["momentum_buffer"].equal(momentum)
    before, kid.max_steps = frozen.clone(), 20
    kid.practice()
    assert frozen.equal(before)


def _one_layer(**options):
    reads = [{"name": "ip"}, {"name": "system_in", "idxs": [1]}]
    return Brain().attach(
        InnerProductLayer(out_channel_num=10, name="ip", **options),
        SoftmaxWithLossLayer(10, name="loss", inputs=reads),
    )


@pytest.mark.parametrize("accumulate", [1, 2])
def test_after_each_step_blocks_that_asked_are_told(make_kid, accumulate):
    kid, norms = make_kid(brain=_one_layer(max_norm=0.3), max_steps=5, accumulate=accumulate), []
    kid.hooks.on_batch_begin.append(lambda k: norms.append(k.brain["ip"].weight.norm(dim=1).max().item()))

    kid.practice()

    assert max(norms[1:]) <= 0.3 + 1e-6
    assert kid.brain["ip"].weight.norm(dim=1).max().item() <= 0.3 + 1e-6


def test_a_step_costs_nothing_more_where_nobody_asked(make_kid):
    kid = make_kid(brain=_one_layer())
    kid.setup()

    assert _step(kid) == kid.optimizer.step


def test_moving_averages_go_on_from_a_checkpoint(make_kid):
    def make(steps):
        brain = _one_layer(moving_average_decay=0.9, max_norm=0.5)
        return make_kid(brain=brain, max_steps=steps, skip_validation=True)

    whole, first, second = make(20), make(10), make(20)
    whole.practice()
    first.practice()
    state.give(second, *state.take(first))
    second.practice()

    assert second.brain["ip"].weight_average.equal(whole.brain["ip"].weight_average)
    assert second.brain["ip"].weight.equal(whole.brain["ip"].weight)


def test_a_kid_validates_and_predicts_with_moving_averages(make_kid):
    kid = make_kid(brain=_one_layer(moving_average_decay=0.9), max_steps=10, skip_validation=True)
    kid.practice()
    images, _ = kid.sensor.batch()
    plain, (loss, _) = kid.brain.infer(images), kid.validate()

    with kid.brain.averaged():
        averaged, (again, _) = kid.brain.infer(images), kid.validate()

    assert loss == again
    assert kid.predict(images).equal(averaged)
    assert not averaged.equal(plain)
