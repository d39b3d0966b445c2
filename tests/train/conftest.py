"""A notebook's namespace with a template in it."""

from __future__ import annotations

from typing import Any

import pytest

SETUP = """
import numpy as np
from akidlab import ArraySource, FeedSensor, Kid, MomentumKongFu
from akidlab.models.brains import OneLayerBrain

STEPS = 20

def data():
    random = np.random.RandomState(0)
    return random.rand(64, 1, 4, 4).astype("float32"), random.randint(0, 10, 64)

def setup(lr=0.1, batch_size=16):
    sensor = FeedSensor(ArraySource(data(), data()), batch_size=batch_size)
    return Kid(sensor, OneLayerBrain(), MomentumKongFu(lr), max_steps=STEPS, val_log_step=5, train_log_step=5)
"""


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a notebook has after its first cell."""
    import types

    main = types.ModuleType("__main__")
    monkeypatch.setitem(__import__("sys").modules, "__main__", main)
    exec(SETUP, main.__dict__)
    return main.__dict__
