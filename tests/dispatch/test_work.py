"""A task under supervision, here without ranks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from akidlab.dispatch import Outcome, Task, work
from akidlab.dispatch.work import Work
from akidlab.messages import Event, Message, Samples, Status
from akidlab.store import Store


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """A work whose ranks are said to stall after no time at all."""
    monkeypatch.setattr(work, "STALLED", 0.0)
    training = Work(Task("digits", str(Store().path), b""), 2, lambda work, request, peer: {"ok": True})
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


def test_a_pause_is_measured_from_when_somebody_last_asked(
    training: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(work.time, "monotonic", lambda: now)
    assert training.waited == 0

    training.hear([Message("status", Status("paused"), step=5)])
    now += 600.0
    assert training.waited == 600
    training.expect("1", None)  # type: ignore[arg-type]
    now += 10.0
    assert training.waited == 10
    training.hear([Message("status", Status("running"), step=5)])
    assert training.waited == 0


def test_a_run_that_is_forsaken_is_stopped_once_and_told_how_to_go_on(training: Work) -> None:
    training.forsake(600.0)
    training.forsake(601.0)

    assert [command.action for command in training.commands] == ["stop"]
    training.close(Outcome("stopped"))
    assert training.run.warnings == [
        "Paused for 600 s with no notebook left: it was saved and stopped. "
        "`%akid_train --resume digits` goes on."
    ]


def share(value: float, weight: float, step: int = 1) -> Message:
    return Message("accuracy", Samples([step], [value], [1.0], "mean", [weight]), step=step)


def test_what_ranks_say_of_their_shares_is_recorded_merged(training: Work) -> None:
    training.hear([share(1.0, 30)])
    training.hear([share(0.0, 10)], rank=1)
    training.close(Outcome("finished"))

    assert training.run.scalars("accuracy").values.tolist() == [0.75]


def test_what_else_another_rank_says_is_not_recorded(training: Work) -> None:
    training.hear([Message("loss", Samples([1], [9.0], [1.0])), Message("event", Event("boo"))], rank=1)
    training.close(Outcome("finished"))

    assert (training.run.tags(), training.run.events("boo")) == ([], [])


def test_what_a_lost_rank_did_not_say_is_not_waited_for_at_the_end(training: Work) -> None:
    training.hear([share(0.5, 10)])
    training.close(Outcome("failed", error="rank 1 is gone", rank=1))

    assert training.run.scalars("accuracy").values.tolist() == [0.5]
