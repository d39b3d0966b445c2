"""What parameters hold before anything is learnt."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from akidlab import Brain, ConvolutionLayer, InnerProductLayer, initializers
from akidlab.blocks import initializer

SHAPE = (64, 32, 3, 3)
FAN_IN, FAN_OUT = 32 * 9, 64 * 9


def _made(name: str, **paras: object) -> torch.Tensor:
    return initializer.get(name, **paras)(SHAPE, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("paras", "bound"),
    [
        ({"name": "default"}, math.sqrt(1 / FAN_IN)),
        ({"name": "xavier"}, math.sqrt(6 / (FAN_IN + FAN_OUT))),
        ({"name": "xavier", "fan_out": False}, math.sqrt(3 / FAN_IN)),
        ({"name": "uniform", "range": 0.005}, 0.005),
        ({"name": "msra", "uniform": True, "factor": 0.5}, math.sqrt(3 / FAN_IN)),
        ({"name": "uniform_unit_scaling"}, math.sqrt(3 / FAN_IN)),
        ({"name": "uniform_unit_scaling", "factor": 1.43}, 1.43 * math.sqrt(3 / FAN_IN)),
    ],
)
def test_uniform_kinds_fill_their_range(paras, bound):
    made = _made(**paras)

    assert made.abs().max() <= bound
    assert made.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert made.mean().item() == pytest.approx(0, abs=bound * 0.02)


@pytest.mark.parametrize(
    ("paras", "std"),
    [
        ({"name": "default", "normal_dist": True}, math.sqrt(1 / FAN_IN)),
        ({"name": "xavier", "normal_dist": True}, math.sqrt(2 / (FAN_IN + FAN_OUT))),
        ({"name": "msra"}, math.sqrt(2 / FAN_IN)),
        ({"name": "he"}, math.sqrt(2 / FAN_IN)),
        ({"name": "msra", "fan_out": True}, math.sqrt(4 / (FAN_IN + FAN_OUT))),
        ({"name": "normal", "stddev": 0.1}, 0.1),
    ],
)
def test_normal_kinds_have_mean_zero_and_their_deviation(paras, std):
    made = _made(**paras)

    assert made.std().item() == pytest.approx(std, rel=0.02)
    assert made.mean().item() == pytest.approx(0, abs=std * 0.02)


def test_a_truncated_normal_stays_within_two_deviations():
    made = _made("truncated_normal", stddev=0.1)

    assert made.abs().max() <= 0.2
    assert made.std().item() == pytest.approx(0.088, rel=0.02)


def test_a_range_runs_from_zero_to_one_unless_told_otherwise():
    made = _made("range_uniform")

    assert (made.min() >= 0) & (made.max() <= 1)
    assert made.mean().item() == pytest.approx(0.5, abs=0.01)


def test_fixed_values_are_used_as_they_are():
    given = torch.randn(2, 3)

    assert torch.equal(initializer.get("constant", value=3)([2]), torch.tensor([3.0, 3.0]))
    assert torch.equal(initializer.get("scalar", value=3)([]), torch.tensor(3.0))
    assert torch.equal(initializer.get("tensor", value=given)([2, 3]), given)


def test_a_tensor_of_another_shape_is_refused():
    with pytest.raises(
        ValueError, match=r"was given \(2,\), while \(3,\) is asked for\. Give a value of that shape"
    ):
        initializer.get("tensor", value=[1.0, 2.0])([3])


def test_a_function_makes_what_it_likes_another_for_each_parameter():
    def noise(shape):
        return torch.randn(shape)

    def build():
        brain = Brain().attach(
            InnerProductLayer(out_channel_num=8, name="a", init_para=noise),
            InnerProductLayer(out_channel_num=8, name="b", init_para=noise),
        )
        return brain.setup(torch.zeros(1, 8), seed=0)

    state = torch.get_rng_state()
    one, other = build(), build()

    assert one["a"].weight.equal(other["a"].weight)
    assert not one["a"].weight.equal(one["b"].weight)
    assert torch.get_rng_state().equal(state)


def test_a_function_that_makes_another_shape_is_refused():
    def three(shape):
        return [1.0, 2.0, 3.0]

    with pytest.raises(ValueError, match=r"Initializer `three` was given \(3,\), while \(4,\) is asked for"):
        initializer.get(three)([4])


@pytest.mark.parametrize(
    ("made", "twin"),
    [
        (initializers.TheOldInitializer(normal_dist=True), {"name": "default", "normal_dist": True}),
        (initializers.XavierInitializer(fan_out=False), {"name": "xavier", "fan_out": False}),
        (initializers.MSRAInitializer(), {"name": "msra"}),
        (initializers.FixedStdInitializer(stddev=0.2), {"name": "normal", "stddev": 0.2}),
        (initializers.RangeUniformInitializer(low=1, high=2), {"name": "range_uniform", "low": 1, "high": 2}),
        (initializers.ConstantInitializer(value=3), {"name": "constant", "value": 3}),
    ],
)
def test_the_classes_of_akid_are_those_initialisers(made, twin):
    generators = [torch.Generator().manual_seed(1) for _ in range(2)]

    assert made(SHAPE, generators[0]).equal(initializers.get(twin)(SHAPE, generators[1]))
    assert ConvolutionLayer(3, out_channel_num=4, init_para=made).initializer is made


def test_the_scalar_initialiser_makes_one_number():
    assert initializers.ScalarInitializer()(()).item() == 0


def test_a_scalar_is_one_number():
    with pytest.raises(ValueError, match=r"`scalar` makes one number"):
        initializer.get("scalar")([3])


def test_a_misspelt_initializer_names_the_nearest():
    with pytest.raises(KeyError, match=r"There is no initializer `xaiver`\. Did you mean `xavier`\?"):
        ConvolutionLayer(3, out_channel_num=1, init_para={"name": "xaiver"})


def test_a_missing_parameter_is_asked_for():
    with pytest.raises(
        ValueError, match=r'Initializer `normal` needs `stddev`, as in init_para={"name": "normal"'
    ):
        initializer.get({"name": "normal"})


def test_a_uniform_without_a_range_is_asked_for_one():
    with pytest.raises(ValueError, match=r"Initializer `uniform` needs `range`"):
        initializer.get("uniform")([3])


def test_a_misspelt_parameter_names_the_nearest():
    with pytest.raises(KeyError, match=r"`std`\. Did you mean `stddev`\?"):
        initializer.get("normal", std=0.1)


def test_the_description_of_the_user_is_left_as_it_is():
    para = {"name": "normal", "stddev": 0.1}

    initializer.get(para)

    assert para == {"name": "normal", "stddev": 0.1}


def test_an_inner_product_counts_its_inputs_not_its_outputs():
    layer = InnerProductLayer(out_channel_num=4).setup(torch.zeros(1, 400), seed=0)

    assert layer.weight.abs().max() <= 1 / math.sqrt(400)
    assert layer.weight.abs().max() > 0.9 / math.sqrt(400)


def _two(seed: int | None) -> Brain:
    brain = Brain()
    brain.attach(
        InnerProductLayer(out_channel_num=8, name="a"), InnerProductLayer(out_channel_num=8, name="b")
    )
    return brain.setup(torch.zeros(1, 8), seed=seed)


def test_layers_of_one_shape_differ():
    brain = _two(seed=0)

    assert not torch.equal(brain["a"].weight, brain["b"].weight)


def test_a_seed_gives_the_same_weights_each_time():
    one, other = _two(seed=5), _two(seed=5)

    assert all(torch.equal(p, q) for p, q in zip(one.parameters(), other.parameters(), strict=True))
    assert not torch.equal(_two(seed=6)["a"].weight, one["a"].weight)


def test_another_layer_leaves_the_weights_of_the_others_as_they_are():
    longer = Brain()
    longer.attach(
        InnerProductLayer(out_channel_num=8, name="new"), InnerProductLayer(out_channel_num=8, name="b")
    )

    longer.setup(torch.zeros(1, 8), seed=0)

    assert torch.equal(longer["b"].weight, _two(seed=0)["b"].weight)


def test_a_seeded_set_up_leaves_all_generators_alone():
    before, numpys = torch.get_rng_state(), np.random.get_state()[1].copy()

    _two(seed=0)

    assert torch.equal(before, torch.get_rng_state())
    assert (numpys == np.random.get_state()[1]).all()


def test_without_a_seed_torch_decides():
    torch.manual_seed(1)
    one, other = _two(None), _two(None)
    torch.manual_seed(1)
    again = _two(None)

    assert torch.equal(one["a"].weight, again["a"].weight)
    assert not torch.equal(one["a"].weight, other["a"].weight)
