"""Brains that are known by name."""

from __future__ import annotations

import pytest
import torch

import akidlab
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


def test_models_are_found_from_the_root():
    assert akidlab.models.brains.LeNet is LeNet
