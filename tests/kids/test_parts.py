"""The parts of a Kid: what stands where it does not belong is told, with what to do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

from akidlab import Brain, DigitsSource, FeedSensor, InnerProductLayer, Kid, MomentumKongFu, TorchLayer
from akidlab import SoftmaxWithLossLayer as Loss
from akidlab.errors import DataError, KindError
from akidlab.models.brains import OneLayerBrain

SENSOR = FeedSensor(DigitsSource())
X, Y = torch.rand(40, 1, 8, 8), torch.arange(40) % 10


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ((DigitsSource(), Brain(), "adam"), r"a sensor, .*found a DigitsSource. .*`FeedSensor\(DigitsSource"),
        (((X, Y), Brain(), "adam"), r"a sensor, .*found a tuple. .*`FeedSensor\(\(x, y\)"),
        (
            (Brain(), SENSOR, "adam"),
            r"first .* found a Brain. They come in the order `Kid\(sensor, brain, kong",
        ),
        ((SENSOR, "adam", Brain()), r"second .* found a str. Attach blocks and a loss"),
        ((SENSOR, MomentumKongFu(), Brain()), "second .* found a MomentumKongFu. They come in the order"),
        ((SENSOR, Brain(), SENSOR), "third .* found a FeedSensor. They come in the order"),
        ((SENSOR, nn.Linear(2, 2), "adam"), r"a brain, .*found a Linear. .*attach\(TorchLayer\(module"),
        (
            (SENSOR, InnerProductLayer(out_channel_num=2), "adam"),
            r"found a InnerProductLayer. .*attach\(block",
        ),
        (
            (SENSOR, OneLayerBrain, "adam"),
            r"found the class OneLayerBrain. Give an instance: `OneLayerBrain\(",
        ),
        ((SENSOR, Brain(), MomentumKongFu), r"found the class MomentumKongFu. Give an instance"),
        ((SENSOR, Brain(), 0.01), r"a kongfu, .*found a float. Give one such as `MomentumKongFu"),
        (
            (SENSOR, Brain(), torch.optim.SGD(nn.Linear(1, 1).parameters(), 0.1)),
            r"found a SGD. A kid makes its optimiser itself, from `KongFu.of\(\"sgd\", lr=",
        ),
    ],
)
def test_what_stands_where_another_part_belongs_is_told(parts: Any, told: str):
    with pytest.raises(TypeError, match=told):
        Kid(*parts, max_steps=1)


def test_the_class_of_an_optimiser_is_a_kongfu():
    kid = Kid(SENSOR, OneLayerBrain(), torch.optim.SGD, max_steps=1)

    assert repr(kid.kongfu) == "TorchKongFu('SGD', lr=0.001)"


@pytest.mark.parametrize(
    "samples",
    [(X, Y), [X, Y], (X.numpy(), Y.numpy()), TensorDataset(X, Y), Subset(TensorDataset(X, Y), range(40))],
)
def test_a_sensor_takes_arrays_and_data_sets(samples: Any):
    x, y = FeedSensor(samples, 8, shuffle=False).next()

    assert torch.equal(x, X[:8])
    assert torch.equal(y, Y[:8])


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (DigitsSource, r"found the class DigitsSource. Give an instance: `DigitsSource\(\)`"),
        (
            DataLoader(TensorDataset(X, Y)),
            r"found a DataLoader. Give what it loads.*`FeedSensor\(loader.data",
        ),
        ("mnist", r"found a str. Give a source such as `ArraySource\(\(x, y\)\)`"),
        ([1, 2], "found a list. Give a source"),
        (SENSOR, "found a FeedSensor. Give a source"),
    ],
)
def test_what_holds_no_samples_is_told(samples: Any, told: str):
    with pytest.raises(TypeError, match=told):
        FeedSensor(samples)


@pytest.mark.parametrize("data", [[1, 2], 3, [], ["a"], None])
def test_what_cannot_be_predicted_is_told(data: Any):
    kid = Kid(SENSOR, OneLayerBrain(), "momentum", max_steps=1, record=False)

    with pytest.raises(DataError, match=r"`data` is an array of samples, or `\[data, labels\]`; found "):
        kid.predict(data)


def test_what_is_advised_for_a_module_of_torch_runs():
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with pytest.raises(KindError) as found:
        Kid(SENSOR, module, "adam")
    advice = str(found.value).partition("Make a block of it: `")[2].rstrip("`.")

    brain = eval(
        advice, {"Brain": Brain, "TorchLayer": TorchLayer, "SoftmaxWithLossLayer": Loss, "module": module}
    )

    Kid(FeedSensor(DigitsSource(), batch_size=64), brain, "adam", max_steps=2, record=False).practice()
