"""Batch normalisation, against torch."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from akidlab import BatchNormalizationLayer

MAPS, ROWS = torch.randn(6, 3, 4, 4) * 2 + 1, torch.randn(6, 3) * 2 + 1


@pytest.mark.parametrize("momentum", [0.1, 0.5, None])
@pytest.mark.parametrize(("signal", "torchs"), [(MAPS, nn.BatchNorm2d), (ROWS, nn.BatchNorm1d)])
def test_it_does_what_torch_does(signal, torchs, momentum):
    ours, theirs = BatchNormalizationLayer(momentum=momentum), torchs(3, momentum=momentum)

    for batch in (signal, signal * 2, signal - 3):
        torch.testing.assert_close(ours(batch), theirs(batch))

    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    torch.testing.assert_close(ours.eval()(signal), theirs.eval()(signal))


def test_without_running_statistics_validation_uses_the_batch():
    bn = BatchNormalizationLayer(track_running_stats=False)

    assert bn.eval()(ROWS).mean().item() == pytest.approx(0, abs=1e-5)


def test_scale_and_shift_start_as_told():
    bn = BatchNormalizationLayer(gamma_init=2, beta_init=3)

    value = bn(ROWS)

    assert value.mean().item() == pytest.approx(3, abs=1e-5)
    assert value.std(unbiased=False).item() == pytest.approx(2, abs=1e-3)


def test_a_fixed_scale_is_not_trained():
    bn = BatchNormalizationLayer(fix_gamma=True)
    bn(ROWS)

    assert not bn.gamma.requires_grad
    assert bn.beta.requires_grad


def test_a_shared_scale_is_one_number():
    bn = BatchNormalizationLayer(share_gamma=True)

    bn(ROWS).sum().backward()

    assert bn.gamma.shape == (1,)


def test_other_channels_are_explained():
    with pytest.raises(
        ValueError, match=r"`bn1` wants 4 channels, found 3 in an input of 6×3\. Correct `channel_num`"
    ):
        BatchNormalizationLayer(4, name="bn1")(ROWS)


def test_a_single_sample_cannot_be_normalised_in_training():
    bn = BatchNormalizationLayer(name="bn1")
    bn(ROWS)

    with pytest.raises(
        ValueError, match=r"`bn1` cannot normalise one value .*\(1×3\) in training.*drop_last=True"
    ):
        bn(ROWS[:1])


def test_dimensions_may_be_checked():
    with pytest.raises(ValueError, match=r"`bn1` wants a tensor of N×channels×\.\.\., found 6×3"):
        BatchNormalizationLayer(dim_num=4, name="bn1")(ROWS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"momentum": 2.0}, r"`momentum` is the share of the new batch, from 0 to 1, or None; found 2\.0"),
        ({"eps": 0}, "`eps` is a number above 0, found 0"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        BatchNormalizationLayer(**options)


@pytest.mark.parametrize("options", [{}, {"momentum": None}, {"share_gamma": True}, {"fix_gamma": True}])
def test_running_statistics_follow_a_compiled_pass(options):
    plain, other = (
        BatchNormalizationLayer(**options).setup(MAPS),
        BatchNormalizationLayer(**options).setup(MAPS),
    )
    torch.compiler.reset()

    compiled = torch.compile(other.forward, fullgraph=True, backend="eager")

    for batch in (MAPS, MAPS * 2):
        torch.testing.assert_close(compiled(batch), plain(batch))
    assert plain.state_dict().keys() == other.state_dict().keys()
    for name, tensor in plain.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], tensor)


@pytest.mark.parametrize(
    "options", [{"momentum": None}, {"share_gamma": True}, {"track_running_stats": False}]
)
def test_every_kind_is_loaded_before_set_up(options):
    bn, fresh = BatchNormalizationLayer(**options), BatchNormalizationLayer(**options)
    bn(MAPS)

    fresh.load_state_dict(bn.state_dict())

    assert torch.equal(fresh.eval()(MAPS), bn.eval()(MAPS))


def test_the_numbers_of_one_batch_are_normalised_by_a_scale_that_starts_at_one():
    # akid's torch layer drew it from U(0, 1), and ignored `gamma_init`.
    bn = BatchNormalizationLayer().setup(MAPS)

    assert bn.gamma.tolist() == [1, 1, 1]
