"""What a rank measures of its steps, here with an engine of one process."""

from __future__ import annotations

import math
import time
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from akidlab import engines
from akidlab.worker.collectives import Collectives
from akidlab.worker.fingerprints import Fingerprints
from akidlab.worker.meter import EVERY, Meter
from akidlab.worker.trace import Trace


class Stepping:
    """An engine that takes its time, a kid that only counts, and a meter."""

    def __init__(self, pause: float = 0.0) -> None:
        self.engine = engines.get("single", device="cpu")
        plain = self.engine.average

        def slow(gradients: list[Tensor], loss: Tensor, flag: bool) -> tuple[Tensor, bool]:
            time.sleep(pause)
            return plain(gradients, loss, flag)

        self.engine.average = slow  # type: ignore[method-assign, assignment]
        self.meter = Meter(self.engine, Collectives(self.engine))
        self.kid: Any = SimpleNamespace(step=0, brain=nn.Linear(3, 2))
        self.gradients = [torch.full((2, 3), 2.0), torch.zeros(2)]
        self.meter.begin(self.kid)

    def steps(self, count: int, work: float = 0.0) -> None:
        for _ in range(count):
            time.sleep(work)
            self.engine.average(self.gradients, torch.tensor(1.0), False)
            self.kid.step += 1


def test_own_work_and_waiting_are_told_apart() -> None:
    stepping = Stepping(pause=0.02)
    stepping.steps(4, work=0.05)
    told = stepping.meter.take()

    assert told is not None
    assert told["steps"].tolist() == [1, 2, 3, 4]
    assert math.isnan(told["own"][0])  # nobody knows when the first one began
    assert all(own >= 0.05 for own in told["own"][1:])
    assert all(wait >= 0.02 for wait in told["ended"] - told["began"])
    assert stepping.meter.take() is None


def test_work_that_is_no_step_is_nobodys_own() -> None:
    stepping = Stepping()
    stepping.steps(2)
    stepping.engine.gather("a validation")
    stepping.steps(2)
    told = stepping.meter.take()

    assert told is not None
    assert [math.isnan(own) for own in told["own"]] == [True, False, True, False]


def test_every_eighth_step_it_looks_at_gradients_and_weights() -> None:
    stepping = Stepping()
    stepping.steps(2 * EVERY)
    told = stepping.meter.take()

    assert told is not None
    assert told["looks"].tolist() == [
        [8, 32, pytest.approx(math.sqrt(24))],
        [16, 32, pytest.approx(math.sqrt(24))],
    ]
    assert told["sums"]["names"] == ["weight", "bias"]
    assert told["sums"]["steps"].tolist() == [8, 16]


def test_time_in_the_queue_for_a_core_is_never_negative() -> None:
    stepping = Stepping()
    stepping.steps(30)
    told = stepping.meter.take()

    assert told is not None
    assert (told["queued"] >= 0).all()
    assert (told["queued"][1:] < 60).all()


def test_after_the_end_nothing_is_held_and_nothing_measured() -> None:
    stepping = Stepping()
    stepping.steps(3)
    stepping.meter.end()
    stepping.steps(3)

    assert stepping.meter.take() is None
    assert stepping.meter._kid is stepping.meter._fingerprints is None


def test_a_trace_holds_what_was_done_together_for_so_many_steps() -> None:
    stepping = Stepping()
    stepping.steps(2)
    stepping.meter.trace(3)
    stepping.steps(1)  # it begins with the next one
    stepping.steps(2)
    stepping.engine.gather("a validation")
    assert stepping.meter.take()["trace"] is None  # type: ignore[index]
    stepping.steps(4)
    told = stepping.meter.take()["trace"]  # type: ignore[index]

    assert (told["first"], told["last"]) == (4, 6)
    assert told["names"] == ["average", "average", "gather", "average"]
    assert all(began <= ended for began, ended in zip(told["began"], told["ended"], strict=True))


def test_a_trace_that_the_end_cuts_short_is_told() -> None:
    stepping = Stepping()
    stepping.meter.trace(50)
    stepping.steps(3)
    stepping.meter.stop()
    told = stepping.meter.take()["trace"]  # type: ignore[index]

    assert (told["first"], told["last"]) == (2, 3)


def test_a_trace_goes_on_where_the_engine_has_no_timeline() -> None:
    def fail(file: str | None) -> None:
        raise ValueError("no timeline here")

    collectives = Collectives(engines.get("single", device="cpu"))
    trace = Trace(collectives, 1, "timeline-1-horovod.json", fail)
    trace.after(1)
    trace.after(2)

    assert trace.told is not None
    assert collectives.noted is None


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.int8, torch.complex64])
def test_one_bit_changes_a_fingerprint(dtype: torch.dtype) -> None:
    brain = nn.Module()
    values = torch.arange(35).reshape(5, 7).to(dtype)
    brain.register_parameter("weight", nn.Parameter(values.t(), requires_grad=False))  # not contiguous
    fingerprints = Fingerprints(brain)
    fingerprints.note(8)
    fingerprints.note(16)
    values.view(torch.uint8)[2, 3] ^= 1
    fingerprints.note(24)
    told = fingerprints.take()

    assert told is not None
    first, same, other = told["sums"][:, 0].tolist()
    assert first == same != other


def test_weights_that_moved_are_found_where_they_are() -> None:
    brain = nn.Linear(2, 2, bias=False)
    fingerprints = Fingerprints(brain)
    fingerprints.note(8)
    brain.weight.data = brain.weight.data + 1
    fingerprints.note(16)
    told = fingerprints.take()

    assert told is not None
    assert told["sums"][0] != told["sums"][1]


def test_what_was_noted_before_an_edit_is_not_mixed_with_what_comes_after() -> None:
    brain = nn.Sequential(nn.Linear(2, 2))
    fingerprints = Fingerprints(brain)
    fingerprints.note(8)
    brain.append(nn.Linear(2, 2))
    fingerprints.note(16)
    told = fingerprints.take()

    assert told is not None
    assert (told["steps"].tolist(), len(told["names"]), told["sums"].shape) == ([16], 4, (1, 4))
