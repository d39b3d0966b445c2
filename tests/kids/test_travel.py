"""A kid travels as its parts: it is fresh where it arrives, and where it stood travels as a checkpoint."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from akidlab import ArraySource, FeedSensor, Kid, MomentumKongFu
from akidlab.kids import checkpoint
from akidlab.models.brains import OneLayerBrain
from akidlab.worker.travel import pack, unpack


def test_a_kid_arrives_with_what_it_was_told_and_goes_on_where_it_stood() -> None:
    random = np.random.RandomState(0)
    data = random.rand(96, 1, 4, 4).astype("float32"), random.randint(0, 10, 96)
    sensor = FeedSensor(ArraySource(data, data), batch_size=16)
    kid = Kid(
        sensor, OneLayerBrain(), MomentumKongFu(0.1), max_steps=20, name="tiny", seed=3, record=False,
        best=("validation_accuracy", "max"), early_stopping=9, clip_norm=1.0,
    )  # fmt: skip
    heard: list[int] = []
    kid.hooks.on_epoch_end.append(lambda kid: heard.append(kid.epoch))
    kid.practice()
    namespace: dict[str, Any] = {}
    unpack(pack({"kid": kid}, {}), namespace)
    there = namespace["kid"]

    assert (there.step, there.max_steps, there.name, there.seed, there.clip_norm) == (0, 20, "tiny", 3, 1.0)
    assert (there.best.metric, there.early_stopping) == ("validation_accuracy", kid.early_stopping)
    assert len(there.hooks.on_epoch_end) == 1
    checkpoint.load(there, checkpoint.dump(kid))
    there.max_steps = kid.max_steps = 25
    assert there.practice() == kid.practice()
    for ours, theirs in zip(kid.brain.parameters(), there.brain.parameters(), strict=True):
        assert torch.equal(ours, theirs)
