"""Kids whose brains remember: streams, one moment a step."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from akidlab import (
    AdamKongFu,
    ArraySource,
    Brain,
    FeedSensor,
    GradientDescentKongFu,
    InnerProductLayer,
    Kid,
    MergeLayer,
    SoftmaxWithLossLayer,
    TanhLayer,
)

STREAMS, DELAY, STATE = 64, 3, 32


def _parity(steps: int, seed: int):
    """Tosses of coins; asked is whether those of three and of four steps ago differed."""
    tosses = torch.randint(2, (steps + DELAY + 1, STREAMS), generator=torch.Generator().manual_seed(seed))
    asked = tosses[1 : steps + 1] ^ tosses[:steps]
    return tosses[DELAY + 1 :].reshape(-1, 1).float() * 2 - 1, asked.reshape(-1)


def _kid(bptt: int, kongfu, **options) -> Kid:
    brain = Brain(name="listener", bptt=bptt).attach(
        InnerProductLayer(out_channel_num=STATE, name="hear"),
        InnerProductLayer(
            out_channel_num=STATE, initial_bias_value=None, name="recall", inputs=[{"name": "h"}]
        ),
        MergeLayer(name="sum", inputs=[{"name": "hear"}, {"name": "recall"}]),
        TanhLayer(name="h"),
        InnerProductLayer(out_channel_num=2, name="say"),
        SoftmaxWithLossLayer(2, name="loss", inputs=[{"name": "say"}, {"name": "system_in", "idxs": [1]}]),
    )
    source = ArraySource(_parity(500, 1), _parity(100, 2))
    sensor = FeedSensor(source, batch_size=STREAMS, val_batch_size=STREAMS, shuffle=False)
    return Kid(sensor, brain, kongfu, record=False, seed=1, **options)


@pytest.mark.parametrize(("bptt", "least", "most"), [(1, 0.4, 0.75), (4, 0.95, 1.0)])
def test_delayed_parity_is_learnt_where_gradients_reach_far_enough(bptt, least, most):
    kid = _kid(bptt, AdamKongFu(lr=0.005), max_steps=1000)

    kid.practice()

    assert least <= kid.evals["accuracy"] <= most


@pytest.mark.parametrize("bptt", [1, 4])
def test_a_kid_learns_what_the_network_unrolled_by_hand_does(bptt):
    kid = _kid(bptt, GradientDescentKongFu(lr=0.5), max_steps=12, skip_validation=True)
    kid.setup()
    weights = {name: p.detach().clone().requires_grad_() for name, p in kid.brain.named_parameters()}
    kid.practice()

    xs, ys = (part.split(STREAMS) for part in _parity(500, 1))
    states = [torch.zeros(STREAMS, STATE)]  # before each step, as they were
    for step in range(12):
        first = max(0, step + 1 - bptt)
        state = states[first]
        for moment in range(first, step + 1):  # anew, with the weights of now
            heard = F.linear(xs[moment], weights["hear.weight"], weights["hear.bias"])
            state = torch.tanh(heard + F.linear(state, weights["recall.weight"]))
        states.append(state.detach())
        loss = F.cross_entropy(F.linear(state, weights["say.weight"], weights["say.bias"]), ys[step])
        gradients = torch.autograd.grad(loss, list(weights.values()))
        with torch.no_grad():
            for weight, gradient in zip(weights.values(), gradients, strict=True):
                weight -= 0.5 * gradient

    for name, parameter in kid.brain.named_parameters():
        torch.testing.assert_close(parameter, weights[name], rtol=1e-4, atol=1e-5)


def test_a_brain_with_feedback_can_be_edited_while_it_learns():
    kid = _kid(4, AdamKongFu(lr=0.005), max_steps=600, skip_validation=True)
    kid.hooks.on_batch_end.append(
        lambda k: k.edit(lambda b: b.insert_after("h", TanhLayer(name="deeper"))) if k.step == 100 else None
    )

    kid.practice()

    assert "_memory.deeper" in kid.brain.state_dict()
    assert kid.validate()[1]["accuracy"] > 0.9
