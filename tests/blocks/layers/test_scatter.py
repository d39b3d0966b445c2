"""Scattering, putting side by side, and padding."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from akidlab import ConcatLayer, GraphSystem, PaddingLayer, ReLULayer, ScatterLayer

MAPS = torch.randn(2, 5, 3, 4)


def test_channels_are_scattered():
    first, second = ScatterLayer([2, 3])(MAPS)

    assert torch.equal(first, MAPS[:, :2])
    assert torch.equal(second, MAPS[:, 2:])


def test_another_dimension_may_be_scattered():
    assert [part.shape[-1] for part in ScatterLayer([1, 3], dim=-1)(MAPS)] == [1, 3]


def test_what_was_scattered_is_read_by_number_and_put_together():
    system = GraphSystem()
    system.attach(
        ScatterLayer([2, 3], name="parts"),
        ReLULayer(name="relu", inputs=[{"name": "parts", "idxs": [1]}]),
        ConcatLayer(inputs=[{"name": "parts"}, {"name": "relu"}]),
    )

    assert torch.equal(system(MAPS), torch.cat([MAPS[:, :2], MAPS[:, 2:].relu()], 1))


def test_lengths_that_do_not_add_up_are_explained():
    with pytest.raises(ValueError, match=r"`s` splits 4 channels into \[2, 2\], found 5 in an input of 2×5"):
        ScatterLayer([2, 2], name="s")(MAPS)
    with pytest.raises(ValueError, match=r"`s` wants a tensor with a dimension 4, found 2×5×3×4"):
        ScatterLayer([2, 2], name="s", dim=4)(MAPS)


@pytest.mark.parametrize("lengths", [[], 3, [0, 1], [1.5]])
def test_lengths_are_a_list_of_numbers(lengths):
    with pytest.raises(ValueError, match=r"`scatter_len_list` (is a list|of `scatter` is a number)"):
        ScatterLayer(lengths)


def test_maps_of_other_sizes_cannot_be_put_side_by_side():
    with pytest.raises(ValueError, match=r"`c` wants inputs that differ in dimension 1 at most, found \[2×5"):
        ConcatLayer(name="c")(MAPS, MAPS[:, :, :2])
    with pytest.raises(ValueError, match=r"differ in dimension 7 at most"):
        ConcatLayer(7)(MAPS, MAPS)


def test_the_last_dimension_may_be_put_together():
    assert ConcatLayer(-1)(MAPS, MAPS[..., :1]).shape == (2, 5, 3, 5)


@pytest.mark.parametrize(
    ("padding", "torchs"),
    [
        (1, (1, 1, 1, 1)),
        ([1, 2], (2, 2, 1, 1)),
        ([[0, 1], 2], (2, 2, 0, 1)),
        ([0, 0, 1, 2], (2, 2, 1, 1)),
        ([0, 3, 0, 0], (0, 0, 0, 0, 3, 3)),
        ([0, (1, 2), 0, (3, 0)], (3, 0, 0, 0, 1, 2)),
    ],
)
def test_padding_is_that_of_torch_and_comes_off_on_the_way_back(padding, torchs):
    layer = PaddingLayer(padding)

    value = layer(MAPS)

    assert torch.equal(value, F.pad(MAPS, torchs))
    assert torch.equal(layer.backward(value), MAPS)


def test_by_default_one_pixel_is_added_on_each_side():
    assert torch.equal(PaddingLayer()(MAPS), F.pad(MAPS, (1, 1, 1, 1)))


def test_sequences_and_volumes_are_padded_by_a_number():
    assert PaddingLayer(2)(torch.zeros(1, 3, 5)).shape == (1, 3, 9)
    assert PaddingLayer(2)(torch.zeros(1, 3, 5, 5, 5)).shape == (1, 3, 9, 9, 9)


def test_another_number_may_be_put_around():
    assert PaddingLayer(1, value=7.0)(MAPS)[0, 0, 0].tolist() == [7] * 6


@pytest.mark.parametrize("padding", ["SAME", [1], -1, [1, -1], [1, 2.5], None, [[1, 2, 3], 1]])
def test_padding_written_another_way_is_refused(padding):
    with pytest.raises(ValueError, match=r"`padding` is written as 1, \[1, 2\] or \[0, 0, 1, 2\], found"):
        PaddingLayer(padding)


def test_a_batch_is_not_padded():
    with pytest.raises(ValueError, match=r"`padding` cannot add samples to a batch, found \[1, 0, 0, 0\]"):
        PaddingLayer([1, 0, 0, 0])


def test_the_order_of_tensorflow_is_told_from_ours():
    with pytest.raises(ValueError, match=r"channels×height×width, found \[0, 1, 2, 0\]\. .* \[1, 2\]\."):
        PaddingLayer([0, 1, 2, 0])


@pytest.mark.parametrize(("padding", "signal"), [([0, 0, 1], MAPS), ([1, 1], MAPS[0, 0]), (1, MAPS[0, 0])])
def test_padding_for_another_number_of_dimensions_is_explained(padding, signal):
    with pytest.raises(ValueError, match=r"`p` pads by .*, which takes an input of .* dimensions, found"):
        PaddingLayer(padding, name="p")(signal)
