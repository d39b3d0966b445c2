"""What each block of a system takes, emits and holds, in numbers."""

from __future__ import annotations

import math

import pytest
import torch

from akidlab import (
    BatchNormalizationLayer,
    Brain,
    GraphSystem,
    InnerProductLayer,
    ReLULayer,
    SoftmaxWithLossLayer,
)
from akidlab.errors import BlockError, UnknownNameError


@pytest.fixture
def brain() -> Brain:
    return Brain().attach(
        GraphSystem(name="unit").attach(
            InnerProductLayer(out_channel_num=8, name="ip"),
            BatchNormalizationLayer(name="bn"),
            ReLULayer(name="relu"),
        ),
        SoftmaxWithLossLayer(
            class_num=8, name="loss", inputs=[{"name": "unit"}, {"name": "system_in", "idxs": [1]}]
        ),
    )


BATCH = [torch.randn(4, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 3])]


def test_every_block_takes_time_and_a_profile_changes_nothing(brain):
    brain(BATCH)
    before = {name: value.clone() for name, value in brain.state_dict().items()}
    data, random = brain["unit.relu"].data, torch.get_rng_state()

    times = brain.profile()

    assert list(times) == ["unit.ip", "unit.bn", "unit.relu", "unit", "loss"]
    assert times["unit"] >= times["unit.ip"] > 0
    assert all(torch.equal(value, before[name]) for name, value in brain.state_dict().items())
    assert brain["unit.relu"].data is data
    assert torch.equal(torch.get_rng_state(), random)
    assert brain.training


def test_a_system_that_was_not_set_up_asks_for_an_example(brain):
    with pytest.raises(BlockError, match="Give an example"):
        brain.profile()

    assert "unit.ip" in brain.profile(BATCH)


def test_measures_are_those_of_the_last_pass_and_its_gradients(brain):
    brain.setup(BATCH, seed=0)
    assert brain.measured("gradient norm") == {}

    brain.objective(BATCH).backward()

    ip, relu = brain["unit.ip"], brain["unit.relu"]
    gradients = math.hypot(*(float(p.grad.norm()) for p in ip.parameters()))
    assert brain.measured("gradient norm")["unit.ip"] == pytest.approx(gradients)
    assert brain.measured("activation sparsity")["unit.relu"] == float((relu.data == 0).float().mean())
    assert "loss" not in brain.measured("activation sparsity")
    assert set(brain.measured("weight norm")) == {"unit", "unit.ip", "unit.bn"}
    assert set(brain.measured("time per block")) == {"unit", "unit.ip", "unit.bn", "unit.relu", "loss"}
    with pytest.raises(UnknownNameError, match="gradient norm"):
        brain.measured("gradient nrm")


def test_a_block_tells_its_parameters_and_what_it_emitted(brain):
    brain.setup(BATCH, seed=0)
    brain["unit.ip"].weight.data[0, 0] = math.nan
    brain(BATCH)

    told = brain.look_into("unit.ip")

    weight, bias = told["parameters"]
    assert (weight["name"], weight["shape"], weight["trainable"], weight["mean"]) == (
        "weight",
        [8, 3],
        True,
        None,
    )
    assert bias["greatest"] == pytest.approx(float(brain["unit.ip"].bias.detach().max()))
    assert told["emits"][0]["shape"] == [4, 8]
    assert brain.look_into("unit.relu")["parameters"] == []


def test_who_listens_to_a_block_does_not_hear_a_profile(brain):
    brain.setup(BATCH, seed=0)
    heard = []
    brain["unit.relu"].post_forward_hook.append(lambda block, signal: heard.append(1))
    brain["unit.ip"].register_forward_hook(lambda *_: heard.append(2))

    brain.profile()
    assert heard == []

    brain(BATCH)
    assert sorted(heard) == [1, 2]
