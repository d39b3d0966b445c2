"""Convolutions of all kinds, checked against torch."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from akidlab import (
    Conv1D,
    Convolution1DLayer,
    ConvolutionLayer,
    ConvTranspose,
    Deconv2D,
    DeconvolutionLayer,
    SelfNormalizedConvolutionLayer,
    SeparableConvolutionLayer,
    SNConv2D,
)

MAPS = torch.randn(2, 4, 9, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("out", [4, 12])
def test_a_depthwise_convolution_is_that_of_torch(out):
    conv = ConvolutionLayer(3, strides=2, out_channel_num=out, depthwise=True, initial_bias_value=0.5)
    twin = nn.Conv2d(4, out, 3, stride=2, groups=4)

    value = conv(MAPS)

    assert conv.weight.shape == (out, 1, 3, 3)
    twin.load_state_dict(conv.state_dict())
    padded = F.pad(MAPS, (0, 1, 1, 1))  # TensorFlow's SAME for 8 and 9 pixels
    torch.testing.assert_close(value, twin(padded))


def test_a_depthwise_convolution_emits_as_many_channels_as_it_is_given():
    conv = ConvolutionLayer(3, depthwise=True, name="dw")

    assert conv(MAPS).shape == MAPS.shape
    assert conv.out_channel_num == 4
    assert "4 → 4, 3×3 SAME, depthwise" in repr(conv)


def test_a_depthwise_convolution_tells_when_channels_cannot_be_shared_out():
    with pytest.raises(ValueError, match=r"`dw` is depthwise, so `out_channel_num` is a multiple of the 4"):
        ConvolutionLayer(3, depthwise=True, out_channel_num=6, name="dw")(MAPS)


def test_other_convolutions_are_told_how_many_channels_to_emit():
    with pytest.raises(ValueError, match="`out_channel_num` of `conv` is a number of 1 or more, found None"):
        ConvolutionLayer(3)


def test_a_convolution_can_normalise_what_it_emits():
    conv = ConvolutionLayer(3, out_channel_num=5, bn=True)
    twin = nn.Sequential(nn.Conv2d(4, 5, 3, padding=1), nn.BatchNorm2d(5, affine=False))
    conv.setup(MAPS, seed=0)
    twin[0].load_state_dict({"weight": conv.weight, "bias": conv.bias})

    torch.testing.assert_close(conv(MAPS), twin(MAPS))
    torch.testing.assert_close(conv.eval()(MAPS), twin.eval()(MAPS))
    assert sum(p.numel() for p in conv.parameters()) == 5 * 4 * 9 + 5


def test_what_a_convolution_emitted_is_called_fmap():
    conv = ConvolutionLayer(3, out_channel_num=5)

    value = conv(MAPS)

    assert conv.fmap is value


@pytest.mark.parametrize("strides", [1, [2, 2], [1, 2, 2, 1]])
def test_a_self_normalised_convolution_has_mean_bias_and_deviation_one(strides):
    conv = SelfNormalizedConvolutionLayer(3, strides=strides, out_channel_num=5, initial_bias_value=0.5)

    value = conv(MAPS)

    plain = F.conv2d(conv._padded(MAPS)[0], conv.weight, None, conv.strides, conv._padded(MAPS)[1])
    centred = plain - plain.mean((0, 2, 3), keepdim=True)
    expected = centred / (plain.var((0, 2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt() + 0.5
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(conv.eval()(MAPS), expected)


def test_a_self_normalised_convolution_of_nothing_is_finite():
    assert SNConv2D(3, out_channel_num=2)(torch.zeros(2, 4, 5, 5)).abs().max() == 0


@pytest.mark.parametrize(
    ("stride", "padding", "length"), [(1, 0, 16), (2, "SAME", 10), (3, 2, 7), (1, "VALID", 16)]
)
def test_a_convolution_over_a_sequence_is_that_of_torch(stride, padding, length):
    signal = torch.randn(2, 3, 20)
    conv = Convolution1DLayer(5, stride, padding, out_channel_num=6)

    value = conv(signal)

    assert value.shape == (2, 6, length)
    total = {"SAME": (1, 2), "VALID": (0, 0)}.get(padding, (padding, padding))
    torch.testing.assert_close(value, F.conv1d(F.pad(signal, total), conv.weight, conv.bias, stride))


def test_a_convolution_over_a_sequence_tells_what_it_wants():
    with pytest.raises(ValueError, match=r"`conv` wants sequences of N×channels×length, found 2×4×9×8"):
        Conv1D(3, out_channel_num=2)(MAPS)
    with pytest.raises(ValueError, match=r"The window of `conv`, 5, does not fit into a sequence of 4"):
        Conv1D(5, out_channel_num=2)(torch.zeros(1, 1, 4))


@pytest.mark.parametrize("ksize", [2, 3, 4, 5])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_a_transposed_convolution_is_the_transpose_of_the_convolution(ksize, strides, padding):
    up = DeconvolutionLayer(ksize, strides, padding, out_channel_num=3, initial_bias_value=None)
    given = torch.randn(2, 4, 5, 6, dtype=torch.float64)

    value = up(given)

    down = ConvolutionLayer(ksize, strides, padding, out_channel_num=4, initial_bias_value=None)
    down.setup(value)
    down.load_state_dict(up.state_dict())  # [in, out] of the one is [out, in] of the other
    other = torch.randn_like(value)
    torch.testing.assert_close((value * other).sum(), (given * down(other)).sum())
    if padding == "SAME":
        assert value.shape[2:] == (5 * strides, 6 * strides)


def test_a_transposed_convolution_is_that_of_torch():
    up = Deconv2D(4, strides=2, padding=1, out_channel_num=3, initial_bias_value=0.2)
    twin = nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1)

    value = up(MAPS)

    twin.load_state_dict(up.state_dict())
    torch.testing.assert_close(value, twin(MAPS))


def test_a_transposed_convolution_keeps_the_variance_that_its_initialiser_promises():
    up = DeconvolutionLayer(4, strides=2, out_channel_num=8, init_para={"name": "msra"})

    value = up.setup(torch.zeros(1, 64, 12, 12), seed=0)(torch.randn(8, 64, 12, 12))

    assert value[..., 2:-2, 2:-2].var().item() == pytest.approx(2, rel=0.1)


def test_the_max_norm_of_a_transposed_convolution_counts_outputs():
    up = ConvTranspose(3, out_channel_num=3, max_norm=0.1)
    up.setup(MAPS, seed=0)

    up.on_para_update()

    torch.testing.assert_close(up.weight.transpose(0, 1).flatten(1).norm(dim=1), torch.full((3,), 0.1))


def test_a_transposed_convolution_that_leaves_nothing_is_refused():
    with pytest.raises(ValueError, match="`deconv` takes more off than there is"):
        DeconvolutionLayer(3, padding=4, out_channel_num=1)(torch.zeros(1, 1, 2, 2))


def test_a_separable_convolution_is_a_depthwise_one_and_one_of_a_pixel():
    conv = SeparableConvolutionLayer(3, strides=2, padding=1, out_channel_num=6, channel_multiplier=2)
    twin = nn.Sequential(nn.Conv2d(4, 8, 3, 2, 1, groups=4, bias=False), nn.Conv2d(8, 6, 1))

    value = conv(MAPS)

    twin[0].load_state_dict({"weight": conv.depthwise_weight})
    twin[1].load_state_dict({"weight": conv.weight, "bias": conv.bias})
    torch.testing.assert_close(value, twin(MAPS))


def test_weight_decay_counts_all_weights_of_a_layer():
    conv = SeparableConvolutionLayer(3, out_channel_num=6, wd={"type": "l1", "scale": 0.5})

    conv(MAPS)

    torch.testing.assert_close(conv.loss, 0.5 * (conv.depthwise_weight.abs().sum() + conv.weight.abs().sum()))
