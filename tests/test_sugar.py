"""Sugar: a layer of a convolutional network, with all that belongs to it, by one call."""

from __future__ import annotations

import pytest
import torch

from akidlab import (
    BatchNormalizationLayer,
    Brain,
    CollapseOutLayer,
    ConvolutionLayer,
    DropoutLayer,
    GraphBrain,
    PoolingLayer,
    ReLULayer,
    SoftmaxNormalizationLayer,
    SoftmaxWithLossLayer,
)
from akidlab.errors import BlockError, UnknownNameError
from akidlab.sugar import cnn_block, init

IMAGES = torch.zeros(2, 1, 28, 28)


def kinds(blocks):
    return [type(block).__name__.removesuffix("Layer") for block in blocks]


def test_a_layer_convolves_pools_normalises_fires_and_drops():
    blocks = cnn_block(ksize=[5, 5], bn=True, keep_prob=0.5)

    assert kinds(blocks) == ["Convolution", "Pooling", "BatchNormalization", "ReLU", "Dropout"]
    conv, pool, *_ = blocks
    assert isinstance(conv, ConvolutionLayer)
    assert isinstance(pool, PoolingLayer)
    assert (conv.out_channel_num, conv.strides, conv.padding) == (32, (1, 1), "SAME")
    assert (pool.ksize, pool.strides, pool.padding, pool.kind) == ((2, 2), (2, 2), "SAME", "max")
    assert repr(conv.wd) == "Regularizer(type='l2', scale=0.0005)"
    assert repr(conv.initializer) == "truncated_normal, stddev=0.1"


@pytest.mark.parametrize("ksize", [8, None])
def test_the_weights_of_a_layer_are_held_as_it_is_told(ksize):
    """As akid's maxout networks did, with the largest norm in place of weight decay."""
    layer = cnn_block(ksize=ksize, max_norm=0.9, wd=None, init_para={"name": "uniform", "range": 0.005})[0]

    assert (layer.max_norm, layer.wd) == (0.9, None)
    assert repr(layer.initializer) == "uniform, range=0.005"


def test_pooling_can_come_last_or_be_left_out():
    after = cnn_block(ksize=5, bn=True, activation_before_pooling=True, keep_prob=0.5)

    assert kinds(after) == ["Convolution", "BatchNormalization", "ReLU", "Pooling", "Dropout"]
    assert kinds(cnn_block(ksize=5, pool_size=None)) == ["Convolution", "ReLU"]
    assert kinds(cnn_block(activation=None)) == ["InnerProduct"]


@pytest.mark.parametrize("bn", [True, {"channel_num": 32, "fix_gamma": True}])
def test_batch_normalisation_is_asked_for_by_true_or_by_its_options(bn):
    """akid's examples wrote `bn=True`, and raised a TypeError."""
    layer = cnn_block(ksize=5, bn=bn)[2]

    assert isinstance(layer, BatchNormalizationLayer)
    assert layer.fix_gamma is (bn is not True)


@pytest.mark.parametrize(
    ("activation", "kind"),
    [
        ({"type": "relu"}, "ReLU"),
        ("gelu", "GELU"),
        ("tanh", "Tanh"),
        ("sigmoid", "Sigmoid"),
        ({"type": "leaky_relu", "negative_slope": 0.1}, "LeakyReLU"),
        ({"type": "maxout", "group_size": 2}, "CollapseOut"),
        ({"type": "average_out", "group_size": 2}, "CollapseOut"),
        ({"type": "gsmax", "group_size": 2}, "GroupSoftmax"),
        ({"type": "ngsmax", "group_size": 2}, "SoftmaxNormalization"),
    ],
)
def test_it_fires_as_it_is_told(activation, kind):
    layer = cnn_block(activation=activation)[1]

    assert kinds([layer]) == [kind]
    if isinstance(layer, (CollapseOutLayer, SoftmaxNormalizationLayer)):
        assert layer.group_size == 2


def test_one_dictionary_makes_many_layers():
    """akid took the type out of the dictionary that it was given."""
    activation = {"type": "maxout", "group_size": 2}

    assert len(cnn_block(activation=activation) + cnn_block(activation=activation)) == 4
    assert activation == {"type": "maxout", "group_size": 2}


def block_mnist(bn=None, activation_before_pooling=False):
    """The network of akid's example `block_mnist`."""
    shared = {"bn": bn, "activation_before_pooling": activation_before_pooling}
    brain = GraphBrain(name="block_mnist")
    brain.attach(cnn_block(ksize=[5, 5], in_channel_num=1, out_channel_num=32, **shared))
    brain.attach(
        cnn_block(
            [5, 5], in_channel_num=32, out_channel_num=64, pool_size=[5, 5], pool_stride=[2, 2], **shared
        )
    )
    brain.attach(cnn_block(out_channel_num=512, keep_prob=0.5, bn=bn))
    brain.attach(cnn_block(in_channel_num=512, out_channel_num=10, activation=None))
    brain.attach(
        SoftmaxWithLossLayer(
            class_num=10, inputs=[{"name": "ip4"}, {"name": "system_in", "idxs": [1]}], name="loss"
        )
    )
    return brain


def test_blocks_are_called_after_the_layer_that_they_belong_to_in_each_brain_anew():
    """akid counted layers in the module: a second brain began with `conv5`."""
    init()
    names = "conv1 pool1 relu1 conv2 pool2 relu2 ip3 relu3 dropout3 ip4 loss"

    assert [[block.name for block in block_mnist()] for _ in range(2)] == [names.split()] * 2


def test_names_keep_clear_of_those_that_are_taken():
    brain = Brain().attach(ReLULayer(name="conv1"), DropoutLayer(), cnn_block(ksize=3), cnn_block())

    names = "conv1 dropout1 conv2 pool1 relu1 ip2 relu2"
    assert [block.name for block in brain] == names.split()


@pytest.mark.parametrize("before", [False, True])
def test_akids_example_has_the_parameters_of_lenet_and_learns(before):
    brain = block_mnist(bn=True, activation_before_pooling=before)
    labels = torch.arange(8) % 2
    images = torch.randn(8, 1, 28, 28) * (1 + 2 * labels.view(-1, 1, 1, 1))
    brain.setup([images, labels], seed=0)
    optimizer = torch.optim.SGD(brain.parameters(), lr=0.01)
    losses = []

    for _ in range(4):
        optimizer.zero_grad()
        losses.append(brain.objective([images, labels]))
        losses[-1].backward()
        optimizer.step()

    assert brain.num_parameters() == 1_663_370 + 2 * (32 + 64 + 512)
    assert losses[-1] < losses[0]


def test_what_cannot_be_is_told():
    with pytest.raises(UnknownNameError, match="Did you mean `maxout`"):
        cnn_block(activation="maxou")
    with pytest.raises(BlockError, match="`activation` is a name or a dict with a `type`, found 3"):
        cnn_block(activation=3)  # type: ignore[arg-type]
    with pytest.raises(BlockError, match="`bn` is True, or options of a BatchNormalizationLayer"):
        cnn_block(bn=0.9)  # type: ignore[arg-type]
