"""Groups of channels, against the formulas written out."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from akidlab import (
    CollapseOutLayer,
    GroupSoftmaxLayer,
    GSMax,
    Maxout,
    MaxoutLayer,
    SoftmaxNormalizationLayer,
)

ROWS, MAPS = torch.randn(3, 8), torch.randn(3, 8, 2, 5)
GROUPS = [torch.randn(3, 2, 4), torch.randn(3, 1, 4), torch.randn(3, 3, 4)]


def _probabilities(logits: torch.Tensor) -> torch.Tensor:
    """Of a group and a ground state of logit 0."""
    return logits.exp() / (1 + logits.exp().sum(1, keepdim=True))


@pytest.mark.parametrize("signal", [ROWS, MAPS])
def test_maxout_is_the_largest_of_each_few_consecutive_channels(signal):
    value = CollapseOutLayer(group_size=4)(signal)

    assert torch.equal(value, torch.stack([signal[:, :4].amax(1), signal[:, 4:].amax(1)], 1))


@pytest.mark.parametrize("signal", [ROWS, MAPS])
def test_average_out_is_their_mean(signal):
    value = CollapseOutLayer(type="average_out", group_size=2)(signal)

    torch.testing.assert_close(value, (signal[:, ::2] + signal[:, 1::2]) / 2)


def test_each_tensor_of_a_list_becomes_one_channel():
    value = CollapseOutLayer()(GROUPS)

    assert torch.equal(value, torch.stack([group.amax(1) for group in GROUPS], 1))


def test_the_gradient_of_maxout_reaches_the_largest():
    signal = torch.tensor([[1.0, 3.0, 2.0, 0.0]], requires_grad=True)

    CollapseOutLayer(group_size=2)(signal).sum().backward()

    assert signal.grad.tolist() == [[0, 1, 1, 0]]


@pytest.mark.parametrize("signal", [ROWS, MAPS])
def test_softmax_normalisation_adds_up_to_one_in_each_group(signal):
    value = SoftmaxNormalizationLayer(group_size=4)(signal)

    halves = [torch.softmax(half, 1) for half in signal.split(4, 1)]
    torch.testing.assert_close(value, torch.cat(halves, 1))


def test_a_list_is_normalised_one_by_one():
    for value, group in zip(SoftmaxNormalizationLayer()(GROUPS), GROUPS, strict=True):
        torch.testing.assert_close(value, torch.softmax(group, 1))


@pytest.mark.parametrize("signal", [ROWS, MAPS])
def test_a_group_softmax_leaves_room_for_a_ground_state(signal):
    value = GroupSoftmaxLayer(group_size=4)(signal)

    torch.testing.assert_close(value, torch.cat([_probabilities(half) for half in signal.split(4, 1)], 1))


def test_a_group_softmax_of_a_list_concatenates_unless_told_not_to():
    expected = [_probabilities(group) for group in GROUPS]

    torch.testing.assert_close(GroupSoftmaxLayer()(GROUPS), torch.cat(expected, 1))
    torch.testing.assert_close(GroupSoftmaxLayer(concat_output=False)(GROUPS), expected)


def test_a_tensor_may_come_out_as_its_groups():
    value = GroupSoftmaxLayer(group_size=4, concat_output=False)(ROWS)

    torch.testing.assert_close(value, [_probabilities(half) for half in ROWS.split(4, 1)])


def test_a_group_of_one_is_a_sigmoid():
    torch.testing.assert_close(GroupSoftmaxLayer(group_size=1)(MAPS), torch.sigmoid(MAPS))


def test_a_group_softmax_of_large_numbers_is_finite():
    value = GroupSoftmaxLayer(group_size=2)(torch.tensor([[1000.0, 1000.0, -1000.0, -1000.0]]))

    assert value.tolist() == [[0.5, 0.5, 0, 0]]


@pytest.mark.parametrize("layer", [SoftmaxNormalizationLayer, GroupSoftmaxLayer])
def test_a_temperature_is_learnt_from_ten(layer):
    warm, plain = layer(use_temperature=True), layer()

    torch.testing.assert_close(warm(ROWS), plain(ROWS / 10))
    warm(ROWS)[:, 0].sum().backward()

    assert isinstance(warm.temperature, nn.Parameter)
    assert warm.temperature.grad.abs() > 0


def test_a_temperature_can_be_loaded_before_set_up_and_copied():
    warm = GroupSoftmaxLayer(use_temperature=True).setup(ROWS)
    warm.temperature.data.fill_(3)
    fresh = GroupSoftmaxLayer(use_temperature=True)

    fresh.load_state_dict(warm.state_dict())

    assert torch.equal(fresh(ROWS), warm(ROWS))
    assert warm.get_copy().temperature is warm.temperature
    assert warm.get_clone().temperature is not warm.temperature


@pytest.mark.parametrize("layer", [CollapseOutLayer, SoftmaxNormalizationLayer, GroupSoftmaxLayer])
def test_channels_that_do_not_come_in_groups_are_explained(layer):
    with pytest.raises(
        ValueError, match=r"`g` wants channels in groups of 3, found 8 channels in an input of 3×8"
    ):
        layer(group_size=3, name="g")(ROWS)


def test_a_signal_without_channels_is_explained():
    with pytest.raises(ValueError, match=r"`g` wants a tensor of N×channels×\.\.\., found shape \[8\]"):
        CollapseOutLayer(name="g")(ROWS[0])


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "4"])
def test_the_size_of_a_group_is_a_number(size):
    with pytest.raises(ValueError, match=r"`group_size` of `maxout` is a number of 1 or more, found"):
        CollapseOutLayer(group_size=size)


def test_an_unknown_type_names_the_nearest():
    with pytest.raises(KeyError, match=r"There is no type of collapse `maxot`\. Did you mean `maxout`\?"):
        CollapseOutLayer(type="maxot")


def test_akids_names_are_the_same_classes():
    assert (GSMax, MaxoutLayer, Maxout) == (GroupSoftmaxLayer, CollapseOutLayer, CollapseOutLayer)
