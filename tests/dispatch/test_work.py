"""A task under supervision, here without ranks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from akidlab.dispatch import Outcome, Task, commits, work
from akidlab.dispatch.work import Work
from akidlab.messages import Command, Event, Message, Samples, Status
from akidlab.store import Run, Store


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """A work whose ranks are said to stall after no time at all."""
    monkeypatch.setattr(work, "STALLED", 0.0)
    training = Work(Task("digits", str(Store().path), b""), 2, lambda work, request, peer: {"ok": True})
    training.start()
    yield training
    if training.outcome is None:
        training.close(Outcome("stopped"))


def beat(step: int, pace: float = 0.0) -> dict[str, object]:
    """What a rank says twice a second, while it waits for the others."""
    doing = {"collective": "average", "number": step, "waiting": 0.1, "stack": "  cell.py:3, in wait\n"}
    return {"step": step, "pace": pace, **doing}


def test_ranks_that_make_no_step_are_told_of_once(training: Work) -> None:
    training.beat(0, beat(12))
    training.beat(1, beat(11))

    said = str(training.stalled())
    assert "(rank 0 at step 12, rank 1 at step 11)" in said
    assert "Rank 1, step 11, waits in `average`, the collective number 11, at\n  cell.py:3, in wait" in said
    assert training.stalled() is None


def test_slow_steps_are_waited_for(training: Work) -> None:
    training.beat(0, beat(1, 30.0))

    assert training.stalled() is None


def test_a_paused_run_does_not_stall(training: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(work.time, "monotonic", lambda: now)
    monkeypatch.setattr(work, "STALLED", 60.0)
    training.beat(0, beat(5))
    training.hear([Message("status", Status("paused"), step=5)])
    now += 600.0
    training.beat(0, beat(5))

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


def losses(run: Run) -> list[int]:
    return run.scalars("loss").steps.tolist() if "loss" in run.tags() else []


def commit(training: Work, step: int) -> None:
    """Have both ranks commit a step."""
    for rank in (0, 1):
        (Path((training.begin(2) or {})["places"][0]) / commits.name(step, rank)).touch()


def told(training: Work, *steps: int) -> None:
    training.hear([Message("loss", Samples(steps, [0.5] * len(steps), [1.0] * len(steps)), step=steps[-1])])


def test_ranks_that_leave_let_go_of_the_commits_once_their_state_is_kept(training: Work) -> None:
    commit(training, 2)
    told(training, 1, 2, 3)
    in_the_way = [Path(place) / "left-3.safetensors" for place in (training.begin(2) or {})["places"]]
    for path in in_the_way:
        path.mkdir(parents=True)
    with pytest.raises(OSError):  # noqa: PT011 - the text is the system's
        training.recovery.leave(3, b"state")
    training.lose(0, "The state of the run could not be kept.")
    assert (training.begin(2) or {})["resume"] == {"step": 2, "path": None}
    for path in in_the_way:
        path.rmdir()
    training.recovery.leave(4, b"state")
    orders = training.begin(2) or {}

    assert Path(orders["resume"]["path"]).read_bytes() == b"state"
    assert [path.name for place in orders["places"] for path in Path(place).glob("*")] == [
        "left-4.safetensors"
    ]


def test_it_goes_back_to_the_last_commit_and_records_no_step_twice(training: Work) -> None:
    commit(training, 2)
    told(training, 1, 2, 3)
    training.lose(1, "Rank 1 was killed.")
    assert (training.begin(2) or {})["resume"] == {"step": 2, "path": None}
    told(training, 3, 4)
    training.close(Outcome("finished"))

    assert losses(training.run) == [1, 2, 3, 4]
    (lost,), (resumed,) = training.run.events("rank_lost"), training.run.events("resumed")
    assert (lost.step, lost.data["rank"], lost.data["why"]) == (3, 1, "Rank 1 was killed.")
    assert (resumed.step, resumed.data["steps_lost"]) == (2, 1)


def test_that_it_goes_on_is_no_error_and_one_step_is_one(training: Work) -> None:
    heard: list[dict[str, object]] = []
    training.watch(SimpleNamespace(send=heard.append))  # type: ignore[arg-type]
    commit(training, 2)
    told(training, 1, 2, 3)
    training.lose(1, "Rank 1 was killed.")
    training.begin(2)

    lost, resumed = heard
    assert (lost["stream"], resumed["stream"]) == ("stderr", "stdout")
    assert str(resumed["text"]).endswith("s; 1 step is made again.\n")


def test_what_cannot_be_read_of_a_commit_keeps_no_outcome_back(training: Work) -> None:
    commit(training, 2)  # an empty file
    told(training, 1, 2)
    training.close(Outcome("stopped"))

    assert training.outcome == Outcome("stopped")


def test_what_was_told_of_steps_that_are_not_made_again_is_kept(training: Work) -> None:
    commit(training, 2)
    told(training, 1, 2, 3)
    for step in (1, 2, 3):
        training.hear([share(0.5, 10, step)])  # of which the other rank had not spoken
    training.lose(1, "Rank 1 was killed.")
    training.begin(1)
    training.close(Outcome("finished"))

    assert training.run.scalars("accuracy").steps.tolist() == [1, 2]


def test_who_asked_a_rank_that_is_lost_is_told_to_ask_again(training: Work) -> None:
    heard: list[dict[str, object]] = []
    training.expect("1", SimpleNamespace(send=heard.append))  # type: ignore[arg-type]
    training.lose(1, "Rank 1 was killed.")
    training.close(Outcome("failed", error="no"))

    why = "Rank 1 was lost, and the others with it. Ask again when the run goes on."
    assert heard == [{"kind": "answer", "id": "1", "ok": False, "error": why}]


def test_a_commit_whose_steps_were_not_all_told_is_not_taken(training: Work) -> None:
    commit(training, 2)
    commit(training, 4)
    told(training, 1, 2, 3)
    training.lose(0, "Rank 0 was killed.")

    assert (training.begin(2) or {})["resume"]["step"] == 2


def test_a_commit_that_one_rank_has_not_made_is_not_taken(training: Work) -> None:
    place = Path((training.begin(2) or {})["places"][0])
    (place / commits.name(3, 0)).touch()
    told(training, 1, 2, 3)
    training.lose(1, "Rank 1 was killed.")

    assert (training.begin(2) or {})["resume"] is None
    assert losses(training.run) == []


def test_a_newer_checkpoint_is_taken_instead_of_a_commit(training: Work) -> None:
    commit(training, 2)
    training.folder.mkdir(parents=True, exist_ok=True)
    (training.folder / "step-3.safetensors").touch()
    told(training, 1, 2, 3)
    training.lose(1, "Rank 1 was killed.")

    assert (training.begin(2) or {})["resume"] == {
        "step": 3,
        "path": str(training.folder / "step-3.safetensors"),
    }


def test_what_was_asked_after_the_commit_is_asked_again(training: Work) -> None:
    commit(training, 2)
    early, late, unheard = Command("rate", 0.1), Command("rate", 0.2), Command("pause")
    for step, command in ((2, early), (3, late)):
        training.recovery.sent(command)
        training.hear([Message("event", Event("rate", {"id": command.id}), step=step)])
    training.recovery.sent(unheard)
    told(training, 1, 2, 3)
    training.lose(1, "Rank 1 was killed.")
    training.begin(2)

    assert list(training.commands) == [late, unheard]


def test_a_paused_run_is_paused_again(training: Work) -> None:
    commit(training, 2)
    told(training, 1, 2)
    training.hear([Message("status", Status("paused"), step=2)])
    training.hear([Message("status", Status("failed"), step=2)])  # says rank 0, of which another is the cause
    training.lose(1, "Rank 1 was killed.")
    training.begin(2)

    assert [command.action for command in training.commands] == ["pause"]


def test_what_was_asked_before_a_loss_does_not_undo_what_was_asked_since(training: Work) -> None:
    commit(training, 2)
    before, since = Command("rate", 0.1), Command("rate", 0.2)
    training.recovery.sent(before)
    told(training, 1, 2, 3)
    training.lose(1, "Rank 1 was killed.")
    training.commands.append(since)
    training.begin(2)

    assert list(training.commands) == [before, since]


def test_what_was_asked_in_a_pause_does_not_end_it(training: Work) -> None:
    commit(training, 2)
    told(training, 1, 2)
    training.hear([Message("status", Status("paused"), step=2)])
    training.recovery.sent(Command("rate", 0.1))
    training.lose(1, "Rank 1 was killed.")
    training.begin(2)

    assert [command.action for command in training.commands] == ["pause", "rate"]


def test_nothing_is_left_of_the_commits_of_a_run(training: Work) -> None:
    commit(training, 2)
    places = [Path(place) for place in (training.begin(2) or {})["places"]]
    assert places[0].exists()
    training.close(Outcome("finished"))

    assert not any(place.exists() for place in places)


def test_a_run_that_may_not_be_restarted_commits_nothing() -> None:
    training = Work(
        Task("digits", str(Store().path), b"", options={"max_restarts": 0}), 2, lambda *asked: {"ok": True}
    )
    training.start()

    assert (training.begin(2), training.recovery.is_possible) == (None, False)
    training.close(Outcome("stopped"))


def test_the_outcome_is_told_once_all_is_written_and_also_when_that_fails(
    training: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[dict[str, object]] = []
    training.watch(SimpleNamespace(send=heard.append))  # type: ignore[arg-type]
    before: list[Outcome | None] = []

    def fail() -> None:
        before.append(training.outcome)
        raise OSError("no space left on device")

    full = SimpleNamespace(hear=lambda message: None, close=fail)
    monkeypatch.setattr(training, "_writers", [full])
    with pytest.raises(OSError, match="no space left"):
        training.close(Outcome("finished"))

    assert before == [None]
    assert [(body["kind"], body["status"]) for body in heard] == [("outcome", "finished")]
