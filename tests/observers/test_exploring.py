from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from torch import nn

from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu, Observer
from akidlab.errors import DataError
from akidlab.messages.picture import numbers
from akidlab.models.brains import OneLayerBrain
from akidlab.observers.exploring import Exploring
from tests.patience import until


@pytest.fixture
def kid() -> Kid:
    return Kid(
        FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(), max_steps=40, record=False,
        save_chk_point=False,
    )  # fmt: skip


def test_a_sample_is_seen_with_its_maps_and_what_is_said_to_it(kid: Kid) -> None:
    kid.practice()
    images, labels = next(iter(kid.sensor.validation_batches()))

    seen = Exploring(Observer(kid)).look(3, why="occlusion")

    assert list(seen["maps"]) == ["conv1", "relu1", "pool1", "ip1"]
    np.testing.assert_allclose(numbers(seen["input"])[0, 0], images[3, 0].numpy(), atol=0.003)
    shares = torch.softmax(kid.predict(images[3:4]), 1)[0].tolist()
    assert seen["shares"] == pytest.approx(shares, abs=1e-5)
    assert (seen["classes"], seen["label"], seen["step"]) == (list(range(10)), int(labels[3]), 40)
    assert seen["why"].levels.shape == (1, 1, 8, 8)


def test_a_drawing_is_as_high_as_samples_are(kid: Kid) -> None:
    exploring = Exploring(Observer(kid))

    drawn = exploring.drawn([255] + [0] * 63)

    assert drawn.shape == (1, 1, 8, 8)
    assert (drawn[0, 0, 0, 0].item(), drawn[0, 0, 1, 1].item()) == (exploring.high, exploring.low)
    assert exploring.look(pixels=[0] * 64)["label"] is None
    for wrong in ([0] * 63, ["x"] * 64, [float("nan")] * 64):
        with pytest.raises(DataError, match="A drawing is 64 numbers"):
            exploring.drawn(wrong)


def test_what_makes_no_sense_is_told(kid: Kid) -> None:
    exploring = Exploring(Observer(kid))

    with pytest.raises(DataError, match="saliency or occlusion, found 'magic'"):
        exploring.look(0, why="magic")
    with pytest.raises(DataError, match="There are 10 classes"):
        exploring.look(0, why="saliency", target=99)
    with pytest.raises(DataError, match="samples to look at"):
        exploring.look(100_000)


def test_vectors_cannot_be_drawn_and_what_does_not_classify_still_has_maps() -> None:
    vectors = Exploring(Observer(nn.Sequential(nn.Linear(6, 3)), samples=torch.rand(4, 6)))
    silent = nn.Sequential(nn.ReLU(), nn.Flatten(0))
    images = Exploring(Observer(silent, samples=torch.rand(1, 1, 2, 2)))

    assert vectors.facts["can_draw"] is False
    assert vectors.facts["why"] == ["saliency"]
    assert len(vectors.look(1, why="saliency")["why"].levels.ravel()) == 6
    with pytest.raises(DataError, match="given no images"):
        vectors.drawn([0])
    assert list(images.look(0)["maps"]) == ["relu0"]
    assert "a row of numbers for each sample" in images.look(0)["note"]


def test_a_network_is_explored_while_it_trains_in_another_thread(kid: Kid) -> None:
    kid.max_steps = 10**7
    exploring = Exploring(Observer(kid))
    thread = threading.Thread(target=kid.practice)
    thread.start()
    try:
        until(lambda: kid.practising and kid.step > 5)

        first = exploring.look(0)
        until(lambda: kid.step > first["step"])
        second = exploring.look(0, why="saliency")
    finally:
        kid.controls.send("stop")
        thread.join(60)

    assert first["live"]
    assert second["step"] > first["step"]
    assert kid.exception is None
