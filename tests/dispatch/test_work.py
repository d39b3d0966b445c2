"""A task under supervision, here without ranks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from akidlab.dispatch import Outcome, Task, work
from akidlab.dispatch.work import Work
from akidlab.messages import Message, Status
from akidlab.store import Store


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """A work whose ranks are said to stall after no time at all."""
    monkeypatch.setattr(work, "STALLED", 0.0)
    training = Work(Task("digits", str(Store().path), b""), 2, lambda work, request: {"ok": True})
    training.start()
    yield training
    training.close(Outcome("stopped"))


def test_ranks_that_make_no_step_are_told_of_once(training: Work) -> None:
    training.beat(0, 12, 0.0)
    training.beat(1, 11, 0.0)

    assert "(rank 0 at step 12, rank 1 at step 11). Below, each rank says where it is" in str(
        training.stalled()
    )
    assert training.stalled() is None


def test_slow_steps_are_waited_for(training: Work) -> None:
    training.beat(0, 1, 30.0)

    assert training.stalled() is None


def test_a_paused_run_does_not_stall(training: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(work.time, "monotonic", lambda: now)
    monkeypatch.setattr(work, "STALLED", 60.0)
    training.beat(0, 5, 0.0)
    training.hear([Message("status", Status("paused"), step=5)])
    now += 600.0
    training.beat(0, 5, 0.0)

    assert training.stalled() is None
