"""The whole path in a few seconds: a brain learns from data, is recorded, and is read and drawn."""

from __future__ import annotations

import time

import pytest
import torch

from akidlab import (
    ArraySource,
    Brain,
    FeedSensor,
    InnerProductLayer,
    Kid,
    MomentumKongFu,
    ReLULayer,
    SoftmaxWithLossLayer,
    runs,
)
from akidlab.messages import Command

LABELS = {"name": "system_in", "idxs": [1]}


def tiny_kid() -> Kid:
    """Learns whether two numbers have the same sign, which needs a hidden layer."""
    x = torch.randn(256, 2, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] * x[:, 1] > 0).long()
    brain = Brain(name="tiny")
    brain.attach(
        InnerProductLayer(out_channel_num=16, name="ip1"),
        ReLULayer(name="relu1"),
        InnerProductLayer(out_channel_num=2, name="ip2"),
        SoftmaxWithLossLayer(class_num=2, inputs=[{"name": "ip2"}, LABELS], name="loss"),
    )
    sensor = FeedSensor(ArraySource((x[:192], y[:192]), val=(x[192:], y[192:])), batch_size=32)
    return Kid(sensor, brain, MomentumKongFu(lr=0.1), max_steps=200, seed=0, val_log_step=50, name="tiny")


def test_a_brain_learns_and_its_run_can_be_read_and_drawn():
    begin = time.thread_time()

    validation_loss = tiny_kid().practice()

    run = runs()["tiny"]
    loss, validation = run.scalars("loss"), run.scalars("validation_loss")
    assert (run.status, run.step, run.max_steps) == ("finished", 200, 200)
    assert loss.steps[-1] == 200
    assert loss.best is not None
    assert loss.best < 0.5 * loss.values[0]
    assert validation.last == pytest.approx(validation_loss, rel=1e-6)
    assert run.scalars("validation_accuracy").values[-1] > 0.85
    assert [trace.name for trace in run.figure().data] == ["loss", "validation_loss"]
    assert "<svg" in run._repr_mimebundle_()["text/html"]
    assert time.thread_time() - begin < 20.0  # one on a quiet machine


def test_one_seed_gives_one_trajectory():
    first, second = tiny_kid(), tiny_kid()

    first.practice()
    second.practice()

    one, other = (run.scalars("loss").values.tolist() for run in runs())
    assert one == other


def test_a_run_that_is_told_to_stop_stops_and_says_where():
    kid = tiny_kid()
    kid.hooks.on_train_log_step.append(lambda kid: kid.controls.send(Command("stop")))

    kid.practice()

    run = runs()["tiny"]
    assert (run.status, run.step) == ("stopped", int(kid.clock))
    assert 0 < run.step < 200
    assert [event.step for event in run.events("stop")] == [run.step]
    assert runs().names() == ["tiny"]
