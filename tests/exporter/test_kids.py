"""A kid that is looked at learns the same, and its steps are those that are told."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
from akidlab.exporter import Exporter
from akidlab.models.brains import OneLayerBrain
from tests.exporter.conftest import Heard


def kid(**options: object) -> Kid:
    sensor = FeedSensor(DigitsSource(), batch_size=50)
    return Kid(sensor, OneLayerBrain(), MomentumKongFu(), max_steps=6, record=False, seed=1, **options)


def state(kid: Kid) -> list[Tensor]:
    return list(kid.brain.state_dict().values())


@pytest.mark.parametrize("options", [{}, {"accumulate": 2, "clip_norm": 0.5}])
def test_a_kid_that_is_looked_at_learns_the_same(options):
    alone, watched, heard = kid(**options), kid(**options), Heard()
    watched.bus.subscribe(heard)
    now = lambda: (watched.step + 1, watched.epoch, 0)  # noqa: E731
    with Exporter(message_bus=watched.bus, every=3, clock=now) as exporter:
        exporter.set_model(watched.brain)
        exporter.add_modules(watched.brain)
        watched.practice()
    alone.practice()

    torch.testing.assert_close(state(watched), state(alone), rtol=0, atol=0)
    told = [m.step for m in heard.messages if m.topic == "step_finished"]
    assert told == [1, 3, 6]
    names = [block.name for block in watched.brain if list(block.parameters())]
    assert heard.keys("weight_gradients") == heard.keys("weight_updates") == names * 3
    passes = 2 if options else 1
    assert len(heard.of("network_output")) == len(heard.of("input_labels")) == 3 * passes
    assert not any(m.key == "loss" for m in heard.messages)


def test_a_compiled_kid_tells_of_its_parameters(caplog):
    compiled, heard = kid(compile={"backend": "eager"}), Heard()
    compiled.bus.subscribe(heard)
    now = lambda: (compiled.step + 1, compiled.epoch, 0)  # noqa: E731
    with Exporter(message_bus=compiled.bus, every=3, clock=now) as exporter:
        exporter.compiled = True
        exporter.set_model(compiled.brain)
        exporter.add_modules(compiled.brain)
        compiled.practice()

    assert [m.step for m in heard.messages if m.topic == "step_finished"] == [1, 3, 6]
    assert heard.keys("activations") == []
