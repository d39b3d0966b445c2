"""TensorFlow's SAME and VALID, against its formula and sizes known from it."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from akidlab import AkidlabError, ConvolutionLayer, PoolingLayer
from akidlab.blocks.layers.padding import emitted, padding, pair, same

sizes, windows, strides = st.integers(1, 13), st.integers(1, 6), st.integers(1, 4)


@given(sizes, windows, strides)
def test_same_emits_the_size_over_the_stride_rounded_up(size, window, stride):
    assert emitted(size, window, stride, same(size, window, stride)) == math.ceil(size / stride)


@given(sizes, windows, strides)
def test_same_adds_the_odd_pixel_after(size, window, stride):
    before, after = same(size, window, stride)

    assert after - before in (0, 1)


@pytest.mark.parametrize(
    ("size", "window", "stride", "expected"),
    [
        (14, 5, 2, (1, 2)),
        (28, 5, 1, (2, 2)),
        (28, 2, 2, (0, 0)),
        (28, 5, 5, (1, 1)),
        (7, 4, 1, (1, 2)),
        (5, 1, 3, (0, 0)),
    ],
)
def test_same_matches_sizes_known_from_tensorflow(size, window, stride, expected):
    assert same(size, window, stride) == expected


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_a_map_of_14_pooled_by_5_over_2_becomes_7(kind):
    pool = PoolingLayer(ksize=[1, 5, 5, 1], strides=[1, 2, 2, 1], padding="SAME", type=kind)

    assert pool(torch.randn(2, 3, 14, 14)).shape == (2, 3, 7, 7)


def _padded(signal: torch.Tensor, window: int, stride: int, value: float) -> torch.Tensor:
    vertical = same(signal.shape[2], window, stride)
    horizontal = same(signal.shape[3], window, stride)
    return F.pad(signal, (*horizontal, *vertical), value=value)


@settings(deadline=None, max_examples=60)
@given(sizes, sizes, windows, strides)
def test_max_pooling_is_that_of_a_map_padded_with_minus_infinity(height, width, window, stride):
    signal = torch.randn(2, 2, height, width)

    pooled = PoolingLayer(window, stride, "SAME")(signal)

    expected = F.max_pool2d(_padded(signal, window, stride, -math.inf), window, stride)
    assert torch.equal(pooled, expected)


@settings(deadline=None, max_examples=60)
@given(sizes, sizes, windows, strides)
def test_average_pooling_leaves_the_padding_out(height, width, window, stride):
    signal = torch.randn(2, 2, height, width)

    pooled = PoolingLayer(window, stride, "SAME", "avg")(signal)

    def means(padded):
        return F.avg_pool2d(padded, window, stride)

    inside = means(_padded(torch.ones_like(signal), window, stride, 0))
    torch.testing.assert_close(pooled, means(_padded(signal, window, stride, 0)) / inside)


@settings(deadline=None, max_examples=40)
@given(sizes, sizes, windows, strides)
def test_a_same_convolution_is_that_of_a_padded_map(height, width, window, stride):
    signal = torch.randn(2, 2, height, width)
    conv = ConvolutionLayer(window, stride, "SAME", out_channel_num=3)

    emitted = conv(signal)

    expected = F.conv2d(_padded(signal, window, stride, 0), conv.weight, conv.bias, stride)
    torch.testing.assert_close(emitted, expected)


def test_a_valid_convolution_pads_nothing():
    signal, conv = torch.randn(2, 2, 7, 7), ConvolutionLayer(3, 2, "VALID", out_channel_num=4)

    torch.testing.assert_close(conv(signal), F.conv2d(signal, conv.weight, conv.bias, 2))


def test_a_valid_pooling_drops_what_does_not_fill_a_window():
    assert PoolingLayer(2, 2)(torch.randn(1, 1, 5, 5)).shape == (1, 1, 2, 2)


def test_padding_may_be_given_in_pixels():
    signal, conv = torch.randn(1, 1, 5, 5), ConvolutionLayer(3, padding=1, out_channel_num=1)

    assert conv(signal).shape == (1, 1, 5, 5)


@pytest.mark.parametrize("written", [5, [5, 5], (5, 5), [1, 5, 5, 1]])
def test_windows_are_written_with_one_two_or_four_numbers(written):
    assert pair(written, "ksize") == (5, 5)


@pytest.mark.parametrize("written", [0, [5], [5, 5, 5], [2, 5, 5, 1], "5", None, [5, -1], 2.5])
def test_other_windows_are_refused(written):
    with pytest.raises(AkidlabError, match=r"`ksize` is written as 5, \[5, 5\] or \[1, 5, 5, 1\], found"):
        pair(written, "ksize")


def test_an_unknown_padding_names_the_nearest():
    with pytest.raises(KeyError, match=r"There is no padding `SAMME`\. Did you mean `SAME`\?"):
        ConvolutionLayer(5, padding="SAMME", out_channel_num=1)


def test_lower_case_will_do():
    assert padding("same") == "SAME"


def test_an_unknown_pooling_is_refused():
    with pytest.raises(KeyError, match=r"There is no type of pooling `mean`"):
        PoolingLayer(2, 2, type="mean")


def test_a_window_larger_than_the_map_is_explained():
    with pytest.raises(
        ValueError, match=r"The window of `conv1`, 5×5, does not fit into maps of 3×3\. Take a smaller"
    ):
        ConvolutionLayer(5, padding="VALID", out_channel_num=1, name="conv1")(torch.zeros(1, 1, 3, 3))
