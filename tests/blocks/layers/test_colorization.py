"""Colorisation, against the products written out."""

from __future__ import annotations

import pytest
import torch

from akidlab import ColorizationReLULayer, GraphSystem, ReLULayer

FEATURES, COLOURS = torch.randn(2, 4, 3, 3), torch.randn(2, 3, 3, 3)


def test_each_colour_multiplies_what_is_positive():
    value = ColorizationReLULayer()(FEATURES, COLOURS)

    expected = [torch.relu(FEATURES) * COLOURS[:, i : i + 1] for i in range(3)]
    assert torch.equal(value, torch.cat(expected, 1))


def test_negative_colours_may_be_wiped():
    value = ColorizationReLULayer(wipe_negative=True)(FEATURES, COLOURS)

    assert torch.equal(value, ColorizationReLULayer()(FEATURES, COLOURS).relu())


def test_it_is_wired_to_the_picture():
    system = GraphSystem()
    system.attach(
        ReLULayer(name="relu"),
        ColorizationReLULayer(inputs=[{"name": "relu"}, {"name": "system_in", "idxs": [1]}]),
    )

    assert torch.equal(system(FEATURES, COLOURS), ColorizationReLULayer()(FEATURES, COLOURS))


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        ([FEATURES], r"`c` wants feature maps and colours, found 2×4×3×3\. Wire both"),
        ([FEATURES, FEATURES], r"`c` wants feature maps .* found \[2×4×3×3, 2×4×3×3\]\. Bring both"),
        ([FEATURES, COLOURS[:, :, :2]], r"found \[2×4×3×3, 2×3×2×3\]\. Bring both to one size"),
    ],
)
def test_what_does_not_fit_is_explained(signal, message):
    with pytest.raises(ValueError, match=message):
        ColorizationReLULayer(name="c")(*signal)
