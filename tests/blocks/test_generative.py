"""Systems that run backward."""

from __future__ import annotations

import pytest
import torch

from akidlab import (
    BatchNormalizationLayer,
    ConvolutionLayer,
    DropoutLayer,
    GraphSystem,
    InnerProductLayer,
    MaxPoolingLayer,
    MergeLayer,
    ReLULayer,
    ReshapeLayer,
    SeqentialGBrain,
    SequentialGBrain,
    SequentialGSystem,
    SoftmaxWithLossLayer,
)

X = torch.rand(2, 3, 9, 10, generator=torch.Generator().manual_seed(0))


def _ip(out: int, **options) -> InnerProductLayer:
    return InnerProductLayer(out_channel_num=out, **options)


@pytest.mark.parametrize("padding", ["SAME", "VALID", 1])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("depthwise", [False, True])
def test_the_way_back_of_a_convolution_is_its_transpose(padding, strides, depthwise):
    conv = ConvolutionLayer(
        2, strides, padding, out_channel_num=6, depthwise=depthwise, initial_bias_value=0.3
    )
    signal = X.double().requires_grad_()
    value = conv(signal)
    other = torch.randn_like(value)

    back = conv.backward(other + 0.3)

    torch.testing.assert_close(back, torch.autograd.grad((value * other).sum(), signal)[0])


def test_the_way_back_of_an_inner_product_is_its_transpose():
    ip = InnerProductLayer(out_channel_num=4, initial_bias_value=0.3)
    signal = X.clone().requires_grad_()
    value = ip(signal)

    back = ip.backward(torch.ones(2, 4) + 0.3)

    torch.testing.assert_close(back, torch.autograd.grad(value.sum(), signal)[0])


def _convolutions() -> SequentialGSystem:
    return SequentialGSystem(name="net").attach(
        ConvolutionLayer(3, out_channel_num=4, initial_bias_value=None, name="conv1"),
        ReLULayer(name="relu1"),
        MaxPoolingLayer(ksize=2, strides=2, padding="VALID", get_argmax_idx=True, name="pool1"),
        ConvolutionLayer(3, strides=2, out_channel_num=5, initial_bias_value=None, name="conv2"),
    )


def test_a_system_runs_backward_through_convolution_relu_and_pooling():
    system = _convolutions()
    signal = X.clone().requires_grad_()
    value = system(signal)
    other = torch.randn_like(value)

    back = system.backward(other)

    # Without biases each way back is the transpose of a linear map: what autograd computes.
    torch.testing.assert_close(back, torch.autograd.grad((value * other).sum(), signal)[0])
    assert system.data_g is back
    assert system["conv1"].data_g is back
    assert system["conv2"].data_g.shape == system["pool1"].data.shape


def test_the_way_back_fits_maps_of_another_size_than_at_set_up():
    system = _convolutions()
    system(X)

    for signal in (X[..., :7, :9], torch.rand(1, 3, 12, 12)):
        assert system.backward(system(signal)).shape == signal.shape


def test_a_reshape_and_dropout_have_a_way_back():
    system = SequentialGSystem().attach(ReshapeLayer(name="flat"), DropoutLayer(name="drop")).eval()

    assert system.backward(system(X)).equal(X)


def test_a_nested_system_runs_backward_in_its_place():
    inner = SequentialGSystem(name="inner").attach(InnerProductLayer(out_channel_num=5, name="ip"))
    outer = SequentialGSystem().attach(inner, InnerProductLayer(out_channel_num=2, name="top"))

    assert outer.backward(outer(X)).shape == X.shape


def test_a_brain_runs_backward_from_what_its_loss_judges():
    brain = SequentialGBrain().attach(
        InnerProductLayer(out_channel_num=5, name="ip"),
        ReLULayer(name="relu"),
        InnerProductLayer(out_channel_num=3, name="top"),
        SoftmaxWithLossLayer(3, inputs=[{"name": "top"}, {"name": "system_in", "idxs": [1]}]),
    )
    loss = brain(X, torch.tensor([0, 1]))

    back = brain.backward(brain["top"].data)

    assert SeqentialGBrain is SequentialGBrain
    assert back.shape == X.shape
    assert brain.objective(X, torch.tensor([0, 1])) == loss


def test_a_block_without_a_way_back_says_so():
    system = SequentialGSystem().attach(BatchNormalizationLayer(name="bn"))
    value = system(X)

    with pytest.raises(ValueError, match=r"`bn` \(BatchNormalizationLayer\) has no way back"):
        system.backward(value)


def test_a_way_back_needs_a_way_forward():
    with pytest.raises(ValueError, match=r"`net` has not been given an input yet\. Call it before"):
        _convolutions().setup(X).backward(X)


def test_a_way_back_wants_what_was_emitted():
    conv = ConvolutionLayer(3, strides=2, out_channel_num=4)
    conv(X)

    with pytest.raises(
        ValueError, match=r"`backward` of `conv` wants what the block emits, N×4×5×5, found 2×3×9"
    ):
        conv.backward(X)


@pytest.mark.parametrize(
    "blocks",
    [
        [MergeLayer(name="sum", inputs=[{"name": "system_in"}, {"name": "system_in"}])],
        [_ip(4, name="back", inputs=[{"name": "top"}]), _ip(4, name="top")],
    ],
)
def test_only_a_row_of_blocks_runs_backward(blocks):
    system = SequentialGSystem().attach(*blocks)
    value = system(X)

    with pytest.raises(ValueError, match=r"cannot be run backward: `(sum|back)` reads more than one value"):
        system.backward(value)


def test_other_systems_have_no_way_back():
    system = GraphSystem(name="plain").attach(ReLULayer())

    with pytest.raises(ValueError, match=r"`plain` \(GraphSystem\) has no way back"):
        system.backward(system(X))


def test_what_came_back_is_not_copied():
    system = _convolutions()
    system.backward(system(X))

    assert system.get_clone().data_g is None
