"""The list of public names: a name is added here, and in `CHANGELOG.md`, on purpose."""

from __future__ import annotations

import importlib

import pytest

import akidlab
from akidlab._public import HOMES, PACKAGES
from tests.architecture import stub

PUBLIC = [
    "AdamKongFu", "AdamWKongFu", "ArraySource", "AveragePoolingLayer", "BatchNormalizationLayer",
    "Block", "BN", "Brain", "Bus", "Conv2D", "ConvolutionLayer", "Dashboard", "DigitsSource",
    "DoneEvent", "Dropout", "DropoutLayer", "EarlyStopping", "EarlyStoppingEvent", "Engine",
    "FeedSensor", "GradientDescentKongFu", "GraphBrain", "GraphSystem", "InnerProductLayer", "Kid",
    "KongFu", "LearningRateScheme", "LossLayer", "MaxPoolingLayer", "MergeLayer", "Message",
    "MNISTFeedSource", "MomentumKongFu", "Pool", "PoolingLayer", "Recorder", "ReLU", "ReLULayer",
    "ReshapeLayer", "Run", "Runs", "runs", "Sensor", "SequentialBrain", "SequentialSystem", "Series",
    "Session", "SoftmaxWithLossLayer", "Source", "Store", "System",
    "ActivationLayer", "SigmoidLayer", "TanhLayer", "GELULayer", "LeakyReLULayer", "ConcatLayer",
    "GroupProcessingLayer", "CollapseOutLayer", "SoftmaxNormalizationLayer", "GroupSoftmaxLayer",
    "Sigmoid", "Tanh", "GELU", "LeakyReLU", "GSMax", "Maxout", "MaxoutLayer",
    "GroupNormalizationLayer", "LayerNormalizationLayer", "LRNLayer", "L2NormalizationLayer",
    "ColorizationReLULayer", "L2Norm",
]  # fmt: skip


def test_the_public_names_are_these() -> None:
    assert set(HOMES) == set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_where_the_root_says_and_in_the_list_of_its_package(name: str) -> None:
    home = importlib.import_module(HOMES[name])

    assert getattr(akidlab, name) is getattr(home, name)
    assert name in home.__all__


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_of_the_root_can_be_reached_as_an_attribute(package: str) -> None:
    assert getattr(akidlab, package) is importlib.import_module(f"akidlab.{package}")


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module `akidlab` has no attribute `Kidd`"):
        akidlab.Kidd  # noqa: B018


def test_editors_see_every_public_name_in_the_stub_of_the_root() -> None:
    assert stub.PATH.read_text() == stub.text(), "write it anew: `python -m tests.architecture.stub`"
