"""Sources whose samples are read one by one, behind sensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset

from akidlab import DatasetSource, FeedSensor, ImageFolderSource, SimpleSensor
from akidlab.sensors.order import order


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures in two classes."""
    for i in range(10):
        path = tmp_path / "pets/train" / ("cat", "dog")[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(i).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    return tmp_path / "pets"


def test_a_sensor_draws_from_a_torch_data_set_what_it_draws_from_its_tensors():
    x, y = torch.arange(20.0).view(10, 2), torch.arange(10)
    source = DatasetSource(TensorDataset(x, y), val=TensorDataset(x[:3], y[:3]))
    sensor = FeedSensor(source, batch_size=4, val_batch_size=2, seed=1)

    rows = order(10, 1, 0)
    batches = list(sensor)

    assert [len(labels) for _, labels in batches] == [4, 4, 2]
    assert torch.cat([labels for _, labels in batches]).equal(y[rows])
    assert torch.cat([inputs for inputs, _ in batches]).equal(x[rows])
    assert [labels.tolist() for _, labels in sensor.validation_batches()] == [[0, 1], [2]]


def test_random_crops_are_the_same_in_any_batch_on_any_rank_and_ahead_of_time(folder: Path):
    source = ImageFolderSource(folder, 8, crop="random_sized", flip=True)
    whole = [FeedSensor(source, batch_size=10).next() for _ in range(2)]

    ranks = [FeedSensor(source, batch_size=10).shard(rank, 2).next()[0] for rank in (0, 1)]
    with SimpleSensor(source, batch_size=5) as sensor:
        ahead = torch.cat([sensor.next()[0] for _ in range(2)])

    assert whole[0][0].equal(whole[1][0])
    assert torch.cat(ranks).equal(whole[0][0])
    assert ahead.equal(whole[0][0])


def test_another_epoch_crops_anew(folder: Path):
    source = ImageFolderSource(folder, 8, crop="random")
    sensor = FeedSensor(source, batch_size=10, shuffle=False)

    first, second = sensor.next()[0], sensor.next()[0]

    assert first.equal(source.fetch("train", range(10), epoch=0)[0])
    assert second.equal(source.fetch("train", range(10), epoch=1)[0])
