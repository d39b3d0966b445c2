"""Normalisation of each sample by itself: over groups, layers, neighbours and rows."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from akidlab import (
    GroupNormalizationLayer,
    L2Norm,
    L2NormalizationLayer,
    LayerNormalizationLayer,
    LRNLayer,
)

ROWS, SEQUENCES, MAPS = torch.randn(4, 6), torch.randn(4, 5, 6), torch.randn(4, 6, 3, 2)
AFFINE = [GroupNormalizationLayer(3), LayerNormalizationLayer(), LayerNormalizationLayer(None)]


@pytest.mark.parametrize("signal", [ROWS, SEQUENCES.mT, MAPS])
@pytest.mark.parametrize("groups", [1, 2, 3])
def test_a_group_norm_does_what_torch_does(signal, groups):
    torch.testing.assert_close(GroupNormalizationLayer(groups)(signal), nn.GroupNorm(groups, 6)(signal))


@pytest.mark.parametrize(("signal", "dims"), [(ROWS, 1), (SEQUENCES, 1), (SEQUENCES, 2), (MAPS, 3)])
def test_a_layer_norm_does_what_torch_does(signal, dims):
    expected = nn.LayerNorm(signal.shape[-dims:])(signal)

    torch.testing.assert_close(LayerNormalizationLayer(dims)(signal), expected)


def test_a_layer_norm_over_all_that_a_sample_has():
    torch.testing.assert_close(LayerNormalizationLayer(None)(MAPS), F.layer_norm(MAPS, MAPS.shape[1:]))


def test_scale_and_shift_start_as_told_and_are_trained():
    norm = GroupNormalizationLayer(2, gamma_init=2, beta_init=3)

    value = norm(MAPS)
    value.square().sum().backward()

    assert value.mean().item() == pytest.approx(3, abs=1e-5)
    assert value.std(unbiased=False).item() == pytest.approx(2, abs=1e-2)
    assert norm.gamma.grad is not None
    assert norm.beta.grad is not None


@pytest.mark.parametrize("norm", AFFINE)
def test_parameters_are_loaded_before_set_up_and_copied(norm):
    trained = norm.get_clone().setup(MAPS)
    trained.gamma.data.normal_()
    fresh = norm.get_clone()

    fresh.load_state_dict(trained.state_dict())

    assert torch.equal(fresh(MAPS), trained(MAPS))
    assert trained.get_copy().gamma is trained.gamma


@pytest.mark.parametrize(
    ("norm", "message"),
    [
        (
            GroupNormalizationLayer(4, name="n"),
            r"`n` has any number of channels in 4 groups, while .* of 6",
        ),
        (GroupNormalizationLayer(2, 8, name="n"), r"`n` has 8 channels in 2 groups, while the state"),
        (LayerNormalizationLayer(2, name="n"), r"`n` normalises over 2 dimensions, while .* scale of 6\."),
    ],
)
def test_a_state_that_does_not_fit_is_explained(norm, message):
    state = GroupNormalizationLayer(2).setup(MAPS).state_dict()

    with pytest.raises(RuntimeError, match=message):
        norm.load_state_dict(state)

    assert not norm.is_setup


def test_channels_that_cannot_be_split_are_explained():
    with pytest.raises(ValueError, match=r"`gn1` cannot split 6 channels into 4 groups of one size\."):
        GroupNormalizationLayer(4, name="gn1")(MAPS)
    with pytest.raises(ValueError, match=r"cannot split 6 channels into 4 groups"):
        GroupNormalizationLayer(4, 6)


def test_groups_of_one_number_are_explained():
    with pytest.raises(ValueError, match=r"`gn1` cannot normalise groups of one number, found 6 groups"):
        GroupNormalizationLayer(6, name="gn1")(ROWS)


def test_other_channels_are_explained():
    with pytest.raises(ValueError, match=r"`gn1` wants 8 channels, found 6 in an input of 4×6×3×2"):
        GroupNormalizationLayer(2, 8, name="gn1")(MAPS)


def test_samples_of_another_shape_are_explained():
    norm = LayerNormalizationLayer(name="ln1")
    norm(ROWS)

    with pytest.raises(
        ValueError, match=r"`ln1` wants samples that end in shape \[6\], found an input of 4×5"
    ):
        norm(ROWS[:, :5])
    with pytest.raises(ValueError, match=r"`ln2` wants a tensor of N×\.\.\.×size×size, found 4×6"):
        LayerNormalizationLayer(2, name="ln2")(ROWS)


def test_a_variance_is_not_divided_by_nothing():
    with pytest.raises(ValueError, match=r"`eps` is a number above 0, found 0"):
        LayerNormalizationLayer(eps=0)


def test_a_group_norm_of_known_channels_needs_no_input():
    assert GroupNormalizationLayer(2, 6).setup().gamma.shape == (6,)
    with pytest.raises(ValueError, match=r"`ln` cannot be set up without an input"):
        LayerNormalizationLayer().setup()


@pytest.mark.parametrize("radius", [1, 2, 4, 9])
def test_local_response_follows_the_formula_of_tensorflow(radius):
    bias, alpha, beta = 1.5, 0.3, 0.75
    padded = F.pad(MAPS.square(), (0, 0, 0, 0, radius, radius))
    squares = sum(padded[:, at : at + 6] for at in range(2 * radius + 1))

    value = LRNLayer(radius, bias, alpha, beta)(MAPS)

    torch.testing.assert_close(value, MAPS / (bias + alpha * squares) ** beta)


def test_local_response_by_default_is_that_of_akid():
    expected = F.local_response_norm(MAPS, 9, 0.001, 0.75, 1.0)

    torch.testing.assert_close(LRNLayer()(MAPS), expected)


@pytest.mark.parametrize("signal", [ROWS, SEQUENCES, MAPS.unsqueeze(-1)])
def test_rows_sequences_and_volumes_have_neighbours_too(signal):
    value = LRNLayer()(signal)

    as_maps = F.local_response_norm(signal.flatten(2) if signal.dim() > 2 else signal.unsqueeze(2), 9, 0.001)
    torch.testing.assert_close(value, as_maps.view_as(signal))


def test_rows_become_unit_vectors():
    value = L2NormalizationLayer()(ROWS)

    torch.testing.assert_close(value, ROWS / ROWS.square().sum(1, keepdim=True).sqrt())


def test_the_channels_of_each_position_become_unit_vectors():
    torch.testing.assert_close(L2Norm()(MAPS).square().sum(1), torch.ones(4, 3, 2))


def test_a_row_of_zeros_stays_and_has_a_finite_gradient():
    row = torch.zeros(1, 3, requires_grad=True)
    gradients = []
    row.register_hook(gradients.append)

    value = L2NormalizationLayer()(row)
    value.sum().backward()

    assert value.tolist() == [[0, 0, 0]]
    assert gradients[0].isfinite().all()
