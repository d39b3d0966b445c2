"""Brains that are known by name."""

from __future__ import annotations

import pytest
import torch

import akidlab
from akidlab import (
    BatchNormalizationLayer,
    ConvolutionLayer,
    GraphBrain,
    InnerProductLayer,
    MergeLayer,
    PoolingLayer,
    ReLULayer,
    ReshapeLayer,
    SoftmaxWithLossLayer,
)
from akidlab.models.brains import LeNet, OneLayerBrain

MNIST, DIGITS = torch.zeros(2, 1, 28, 28), torch.zeros(2, 1, 8, 8)


@pytest.mark.parametrize(("brain", "parameters"), [(OneLayerBrain, 12_362), (LeNet, 1_663_370)])
def test_their_sizes_are_known(brain, parameters):
    assert brain().setup(MNIST).num_parameters() == parameters


@pytest.mark.parametrize("brain", [OneLayerBrain, LeNet])
def test_they_take_images_of_any_size(brain):
    assert brain(class_num=3).infer(DIGITS).shape == (2, 3)


def test_lenet_has_the_maps_of_tensorflow():
    brain = LeNet().setup(MNIST)

    assert [brain[name].out_shape[1:] for name in ("pool1", "conv2", "pool2")] == [
        (32, 14, 14),
        (64, 14, 14),
        (64, 7, 7),
    ]
    names = "conv1 relu1 pool1 conv2 relu2 pool2 ip1 relu3 ip2 loss"
    assert [block.name for block in brain] == names.split()


def test_akids_manual_builds_a_brain():
    class Manual(GraphBrain):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.attach(
                ConvolutionLayer(
                    ksize=[5, 5],
                    strides=[1, 1, 1, 1],
                    padding="SAME",
                    in_channel_num=1,
                    out_channel_num=32,
                    name="conv1",
                )
            )
            self.attach(ReLULayer(name="relu1"))
            self.attach(PoolingLayer(ksize=[5, 5], strides=[5, 5], padding="SAME", name="pool1"))
            self.attach(InnerProductLayer(in_channel_num=1152, out_channel_num=10, name="ip1"))
            self.attach(
                SoftmaxWithLossLayer(
                    class_num=10,
                    inputs=[{"name": "ip1", "idxs": [0]}, {"name": "system_in", "idxs": [1]}],
                    name="loss",
                )
            )

    brain = Manual(name="brain")

    assert brain.num_parameters() == 12_362
    assert brain([MNIST, torch.tensor([1, 2])]).item() == pytest.approx(2.3, abs=0.1)


def test_a_residual_unit_learns():
    brain = GraphBrain(name="residual")
    brain.attach(ConvolutionLayer([3, 3], [1, 1, 1, 1], "SAME", out_channel_num=4, name="conv0"))
    for stage in (1, 2):
        brain.attach(
            BatchNormalizationLayer(name=f"bn{stage}"),
            ReLULayer(name=f"relu{stage}"),
            ConvolutionLayer(
                [3, 3],
                [1, 1, 1, 1],
                "SAME",
                out_channel_num=4,
                initial_bias_value=None,
                init_para={"name": "msra"},
                wd={"type": "l2", "scale": 0.0002},
                name=f"conv{stage}",
            ),
        )
    brain.attach(
        MergeLayer(inputs=[{"name": "conv2"}, {"name": "conv0"}], name="merge"),
        PoolingLayer([8, 8], [1, 1], "VALID", "avg", name="pool"),
        ReshapeLayer(name="reshape"),
        InnerProductLayer(out_channel_num=2, name="ip"),
        SoftmaxWithLossLayer(
            class_num=2, inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}], name="loss"
        ),
    )
    images, labels = torch.randn(16, 1, 8, 8), torch.arange(16) % 2
    images[labels == 1] *= 3
    optimizer = torch.optim.Adam(brain.setup([images, labels], seed=0).parameters(), lr=0.01)

    for _ in range(40):
        optimizer.zero_grad()
        brain.objective([images, labels]).backward()
        optimizer.step()

    assert brain.evals["accuracy"].item() == 1
    assert list(brain.losses) == ["conv1", "conv2", "loss"]


def test_models_are_found_from_the_root():
    assert akidlab.models.brains.LeNet is LeNet
