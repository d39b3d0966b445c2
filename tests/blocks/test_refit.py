"""Layers of every kind whose input an edit changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

import akidlab.blocks as blocks
from akidlab import Block, Brain

MAPS, SEQUENCES, NUMBERS = torch.rand(2, 3, 8, 8), torch.rand(2, 6, 3), torch.rand(2, 3)


def _conv(width: int) -> Block:
    return blocks.ConvolutionLayer(1, out_channel_num=width)


def _along(width: int) -> Block:
    return blocks.TorchLayer(nn.Linear(3, width))


def _numbers(width: int) -> Block:
    return blocks.InnerProductLayer(out_channel_num=width)


# what is given, what comes before (4 channels, then 8), and the layer that must follow
LAYERS: dict[str, tuple[torch.Tensor, Callable[[int], Block], Callable[[], Block]]] = {
    "convolution": (MAPS, _conv, lambda: blocks.ConvolutionLayer(3, out_channel_num=4)),
    "depthwise": (MAPS, _conv, lambda: blocks.ConvolutionLayer(3, out_channel_num=16, depthwise=True)),
    "self-normalised": (
        MAPS, _conv, lambda: blocks.SelfNormalizedConvolutionLayer(3, out_channel_num=4)
    ),
    "separable": (MAPS, _conv, lambda: blocks.SeparableConvolutionLayer(3, out_channel_num=4)),
    "deconvolution": (MAPS, _conv, lambda: blocks.DeconvolutionLayer(3, out_channel_num=4)),
    "inner product": (MAPS, _conv, lambda: blocks.InnerProductLayer(out_channel_num=4)),
    "invariant": (MAPS, _conv, lambda: blocks.InvariantInnerProductLayer(out_channel_num=4)),
    "batch norm": (MAPS, _conv, lambda: blocks.BatchNormalizationLayer()),
    "counting batch norm": (MAPS, _conv, lambda: blocks.BatchNormalizationLayer(momentum=None)),
    "group norm": (MAPS, _conv, lambda: blocks.GroupNormalizationLayer(2)),
    "layer norm": (NUMBERS, _numbers, lambda: blocks.LayerNormalizationLayer()),
    "lstm": (SEQUENCES, _along, lambda: blocks.LSTMLayer(5)),
    "gru": (SEQUENCES, _along, lambda: blocks.GRULayer(5, layers=2, bidirectional=True)),
    "attention": (SEQUENCES, _along, lambda: blocks.MultiHeadAttentionLayer(2)),
    "lazy torch": (NUMBERS, _numbers, lambda: blocks.TorchLayer(nn.LazyLinear(5))),
    "lazy torch with statistics": (MAPS, _conv, lambda: blocks.TorchLayer(nn.LazyBatchNorm2d())),
    "relu": (MAPS, _conv, lambda: blocks.ReLULayer()),
    "pool": (MAPS, _conv, lambda: blocks.MaxPoolingLayer(2, 2, get_argmax_idx=True)),
    "maxout": (MAPS, _conv, lambda: blocks.CollapseOutLayer(2)),
}  # fmt: skip


def _brain(case: str, width: int) -> Brain:
    given, before, layer = LAYERS[case]
    first, follows = before(width), layer()
    first._rename("first")
    follows._rename("follows")
    return Brain(name="refitted").attach(first, follows).setup(given, seed=0)


def _shapes(brain: Brain) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in brain.state_dict().items()}


@pytest.mark.parametrize("case", LAYERS)
def test_a_layer_whose_input_widens_is_as_if_it_had_never_known_another(case):
    given, before, _ = LAYERS[case]
    brain, fresh = _brain(case, 4), _brain(case, 8)
    brain(given)
    old = dict(brain.named_parameters())

    edit = brain.replace("first", before(8), seed=0)

    assert _shapes(brain) == _shapes(fresh)
    assert brain["follows"].extra_repr() == fresh["follows"].extra_repr()
    for name, parameter in brain.named_parameters():
        kept = name.startswith("follows") and old[name].shape == parameter.shape
        assert (parameter is old[name]) == kept
    brain(given).sum().backward()
    assert all(p.grad is not None for p in brain.parameters() if p.requires_grad)
    assert edit.gone == ()
    fresh.load_state_dict(brain.state_dict())
    torch.testing.assert_close(fresh.eval()(given), brain.eval()(given))


@pytest.mark.parametrize("case", LAYERS)
def test_a_layer_survives_an_edit_that_is_refused(case):
    given, before, _ = LAYERS[case]
    brain = _brain(case, 4)
    brain.eval()
    value, state = brain(given), brain.state_dict(keep_vars=True)

    class Refuses(Block):
        NAME = "refuses"

        def forward(self, signal):
            raise ValueError("never")

    def both() -> None:
        with brain.editing():
            brain.replace("first", before(8))
            brain.attach(Refuses())

    with pytest.raises(ValueError, match="never"):
        both()

    assert all(tensor is state[name] for name, tensor in brain.state_dict(keep_vars=True).items())
    torch.testing.assert_close(brain(given), value)
