"""Pooling: places of the largest numbers, lists, the way back, one dimension and all of them."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from akidlab import (
    AveragePoolingLayer,
    GlobalPoolingLayer,
    MaxPooling1D,
    MaxPooling1DLayer,
    MaxPoolingLayer,
    PoolingLayer,
)
from akidlab.blocks.layers.padding import same

MAPS, OTHERS = torch.randn(2, 3, 8, 6), torch.randn(2, 5, 4, 4)
sizes, windows, strides = st.integers(1, 9), st.integers(1, 5), st.integers(1, 4)
kinds = st.sampled_from(["SAME", "VALID"])


def test_places_count_row_by_row_as_those_of_torch():
    pool = MaxPoolingLayer(2, 2, get_argmax_idx=True)

    value = pool(MAPS)

    expected, places = F.max_pool2d(MAPS, 2, 2, return_indices=True)
    assert torch.equal(value, expected)
    assert torch.equal(pool.argmax_idx, places)


@settings(deadline=None, max_examples=60)
@given(sizes, sizes, windows, strides, kinds)
def test_the_places_hold_the_largest_numbers_whatever_the_padding(height, width, window, stride, kind):
    signal = torch.randn(2, 2, height, width)
    if kind == "VALID" and window > min(height, width):
        return
    pool = MaxPoolingLayer(window, stride, kind, get_argmax_idx=True)

    value = pool(signal)

    assert torch.equal(value, PoolingLayer(window, stride, kind)(signal))
    assert torch.equal(signal.flatten(2).gather(2, pool.argmax_idx.flatten(2)), value.flatten(2))


@settings(deadline=None, max_examples=40)
@given(sizes, sizes, windows, strides)
def test_places_within_a_window_are_those_of_the_unfolded_window(height, width, window, stride):
    signal = torch.randn(2, 1, height, width)
    pool = MaxPoolingLayer(window, stride, "SAME", get_argmax_idx=True)

    value = pool(signal)

    pads = (*same(width, window, stride), *same(height, window, stride))
    groups = F.unfold(F.pad(signal, pads, value=-math.inf), window, stride=stride)
    assert torch.equal(groups.argmax(1), pool.in_group_indices.flatten(1))
    assert torch.equal(groups.amax(1), value.flatten(1))


def test_a_list_of_maps_becomes_a_list():
    pool = MaxPoolingLayer(2, 2, get_argmax_idx=True)

    first, second = pool(MAPS, OTHERS)

    assert torch.equal(first, F.max_pool2d(MAPS, 2))
    assert torch.equal(second, F.max_pool2d(OTHERS, 2))
    assert [places.shape for places in pool.argmax_idx] == [first.shape, second.shape]
    assert [back.shape for back in pool.backward([first, second])] == [MAPS.shape, OTHERS.shape]
    assert [plain.shape for plain in MaxPoolingLayer(2, 2)(MAPS, OTHERS)] == [first.shape, second.shape]


def test_the_way_back_puts_values_where_they_were_found():
    pool = MaxPoolingLayer(2, 2, get_argmax_idx=True)
    value = pool(MAPS)

    back = pool.backward(10 * value)

    expected, places = F.max_pool2d(MAPS, 2, return_indices=True)
    assert torch.equal(back, F.max_unpool2d(10 * expected, places, [2, 2]))


@settings(deadline=None, max_examples=40)
@given(sizes, sizes, windows, strides)
def test_pooling_what_came_back_gives_the_same(height, width, window, stride):
    pool = MaxPoolingLayer(window, stride, "SAME", get_argmax_idx=True)
    value = pool(torch.rand(2, 2, height, width))

    torch.testing.assert_close(pool(pool.backward(value)), value)


def test_gradients_flow_through_the_way_back():
    pool = MaxPoolingLayer(3, 1, "SAME", get_argmax_idx=True)
    value = pool(MAPS.requires_grad_(False)).clone().requires_grad_()

    pool.backward(value).sum().backward()

    counts = torch.zeros(2, 3, 48).scatter_add(2, pool.argmax_idx.flatten(2), torch.ones(2, 3, 48))
    torch.testing.assert_close(value.grad.flatten(2), 1 / counts.gather(2, pool.argmax_idx.flatten(2)))


@pytest.mark.parametrize("padding", ["VALID", "SAME", 1])
def test_means_come_back_at_every_place_of_their_window(padding):
    pool = AveragePoolingLayer(2, 2, padding)
    value = pool(MAPS)

    back = pool.backward(value)

    assert back.shape == MAPS.shape
    torch.testing.assert_close(pool(back), value)


def test_means_of_overlapping_windows_come_back_as_their_mean():
    pool = AveragePoolingLayer([1, 3], 1).setup(torch.zeros(1, 1, 1, 4))

    assert pool.backward(torch.tensor([[[[0.0, 6.0]]]])).flatten().tolist() == [0, 3, 3, 6]


def test_places_no_window_covers_come_back_as_zero():
    pool = AveragePoolingLayer(1, 2).setup(torch.zeros(1, 1, 1, 3))

    assert pool.backward(torch.ones(1, 1, 1, 2)).flatten().tolist() == [1, 0, 1]


def test_a_pooling_that_remembers_nothing_cannot_go_back():
    for pool in (MaxPoolingLayer(2, 2, name="pool1"), PoolingLayer(2, 2, name="pool1")):
        value = pool(MAPS)

        with pytest.raises(ValueError, match=r"`pool1` cannot be run backward.*get_argmax_idx=True"):
            pool.backward(value)


def test_set_up_is_not_a_pass_to_go_back_through():
    pool = MaxPoolingLayer(2, 2, get_argmax_idx=True).setup(MAPS)

    assert pool.argmax_idx is None
    with pytest.raises(ValueError, match=r"and call it first"):
        pool.backward(torch.zeros(2, 3, 4, 3))


def test_another_shape_on_the_way_back_is_explained():
    pool, mean = MaxPoolingLayer(2, 2, get_argmax_idx=True, name="p"), AveragePoolingLayer(2, 2, name="p")
    pool(MAPS)
    mean(MAPS)

    with pytest.raises(ValueError, match=r"`p` emitted 2×3×4×3 in its last pass, found 2×3×8×6 on the"):
        pool.backward(MAPS)
    with pytest.raises(ValueError, match=r"`backward` of `p` wants what the block emits, N×3×4×3, found"):
        mean.backward(MAPS)


def test_going_back_to_a_size_that_is_not_known_is_explained():
    with pytest.raises(ValueError, match=r"`p` has not been given an input yet"):
        AveragePoolingLayer(2, 2, name="p").backward(MAPS)


def test_copies_do_not_carry_places():
    pool = MaxPoolingLayer(2, 2, get_argmax_idx=True)
    pool(MAPS)

    assert pool.get_clone().argmax_idx is None
    assert pool.argmax_idx is not None


def test_padding_by_more_than_half_of_the_window_is_explained():
    with pytest.raises(ValueError, match=r"`pool` pads by 2×2, more than half of its window, 3×3\. Pad less"):
        PoolingLayer(3, 1, 2)
    with pytest.raises(ValueError, match=r"`pool` pads by 0×2, more than half of its window, 1×3"):
        MaxPooling1DLayer(3, 1, 2)


@settings(deadline=None, max_examples=60)
@given(sizes, windows, strides)
def test_along_time_same_is_that_of_a_padded_sequence(time, window, stride):
    signal = torch.randn(2, 3, time)

    value = MaxPooling1DLayer(window, stride, "SAME")(signal)

    padded = F.pad(signal, same(time, window, stride), value=-math.inf)
    assert torch.equal(value, F.max_pool1d(padded, window, stride))


def test_along_time_valid_and_pixels_are_those_of_torch():
    signal = torch.randn(2, 3, 11)

    assert torch.equal(MaxPooling1D(3, 2, "VALID")(signal), F.max_pool1d(signal, 3, 2))
    assert torch.equal(MaxPooling1D(3, 2, 1)(signal), F.max_pool1d(signal, 3, 2, 1))


def test_what_does_not_fit_along_time_is_explained():
    with pytest.raises(ValueError, match=r"The window of `p`, 5, does not fit into sequences of 3\. Take a"):
        MaxPooling1D(5, 1, name="p")(torch.zeros(1, 1, 3))
    with pytest.raises(ValueError, match=r"`p` wants sequences of N×channels×time, found 2×3×8×6\."):
        MaxPooling1D(5, 1, name="p")(MAPS)
    with pytest.raises(ValueError, match=r"`ksize` of `pool` is a number of 1 or more, found \[5\]"):
        MaxPooling1D([5], 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("signal", [MAPS, MAPS.flatten(2), MAPS.unsqueeze(2)])
def test_global_pooling_leaves_one_number_for_each_channel(signal):
    torch.testing.assert_close(GlobalPoolingLayer()(signal), MAPS.mean((2, 3)))
    assert torch.equal(GlobalPoolingLayer("max")(signal), MAPS.amax((2, 3)))


def test_global_pooling_wants_positions():
    with pytest.raises(ValueError, match=r"`p` wants a tensor of N×channels×size×\.\.\., found 2×3"):
        GlobalPoolingLayer(name="p")(MAPS[:, :, 0, 0])


@pytest.mark.parametrize("pool", [MaxPoolingLayer(3, 2), AveragePoolingLayer(2, 2), PoolingLayer(3, 1, 1)])
def test_without_same_maps_of_any_size_are_exported(pool):
    dims = {2: torch.export.Dim("height", min=5), 3: torch.export.Dim("width", min=5)}

    exported = torch.export.export(pool.setup(MAPS), (MAPS,), dynamic_shapes=(dims,))

    larger = torch.randn(2, 3, 11, 9)
    assert torch.equal(exported.module()(larger), pool(larger))


def test_the_short_name_is_the_same_class():
    assert MaxPooling1D is MaxPooling1DLayer
