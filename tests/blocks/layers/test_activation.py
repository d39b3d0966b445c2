"""Activations, against torch."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from akidlab import (
    GELU,
    GELULayer,
    LeakyReLU,
    LeakyReLULayer,
    ReLU,
    ReLULayer,
    Sigmoid,
    SigmoidLayer,
    Tanh,
    TanhLayer,
)

SIGNAL = torch.linspace(-3, 3, 24).reshape(2, 3, 2, 2)


@pytest.mark.parametrize(
    ("layer", "torchs"),
    [
        (ReLULayer(), torch.relu),
        (SigmoidLayer(), torch.sigmoid),
        (TanhLayer(), torch.tanh),
        (GELULayer(), F.gelu),
        (GELULayer("tanh"), lambda x: F.gelu(x, approximate="tanh")),
        (LeakyReLULayer(), F.leaky_relu),
        (LeakyReLULayer(0.3), lambda x: F.leaky_relu(x, 0.3)),
    ],
)
def test_an_activation_does_what_torch_does(layer, torchs):
    assert torch.equal(layer(SIGNAL), torchs(SIGNAL))


def test_short_names_are_the_same_classes():
    long = (ReLULayer, SigmoidLayer, TanhLayer, GELULayer, LeakyReLULayer)

    assert (ReLU, Sigmoid, Tanh, GELU, LeakyReLU) == long


def test_a_relu_lets_back_what_it_let_through():
    relu = ReLULayer()
    relu(torch.tensor([-1.0, 0.0, 2.0]))

    assert relu.backward(torch.tensor([5.0, 6.0, -7.0])).tolist() == [0, 0, -7]


def test_going_back_before_any_pass_is_explained():
    with pytest.raises(ValueError, match=r"`relu1` goes back through its last pass, and there was none"):
        ReLULayer(name="relu1").backward(SIGNAL)


def test_going_back_with_another_shape_is_explained():
    relu = ReLULayer(name="relu1")
    relu(SIGNAL)

    with pytest.raises(
        ValueError, match=r"`relu1` emitted 2×3×2×2 in its last pass, found 1×3×2×2 on the way"
    ):
        relu.backward(SIGNAL[:1])


def test_a_list_is_explained():
    with pytest.raises(ValueError, match=r"`gelu1` wants one tensor, found \[2×3×2×2, 2×3×2×2\]\. Correct"):
        GELULayer(name="gelu1")(SIGNAL, SIGNAL)


def test_an_unknown_approximation_names_the_nearest():
    with pytest.raises(KeyError, match=r"There is no approximation of GELU `tan`\. Did you mean `tanh`\?"):
        GELULayer("tan")


def test_what_sets_it_apart_is_shown():
    assert repr(LeakyReLULayer(0.2, name="relu1")) == "relu1: LeakyReLULayer(slope 0.2), not set up"
