"""A cell waits for what trains."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from akidlab import Store
from akidlab.messages import Event, Message, Status
from akidlab.session.waiting import summary, watch
from akidlab.store import Recorder, Run


class Trains:
    """Something that trains, as far as a waiting cell can tell.

    Args:
        run: its run.
        looks: what each look of the cell finds: False for not yet, True for ended, or what interrupts it.
    """

    def __init__(self, run: Run, *looks: bool | type[BaseException]) -> None:
        self.run, self._looks = run, iter(looks)
        self.error: BaseException | None = None
        self.problem: str | None = None
        self.was_interrupted = False
        self.did: list[str] = []
        self.step = run.step  # of its kid

    def start(self) -> None:
        self.did.append("start")

    def join(self, timeout: float | None = None) -> bool:
        look = next(self._looks)
        if isinstance(look, bool):
            return look
        raise look

    def stop(self) -> None:
        self.did.append("stop")

    def abandon(self) -> None:
        self.did.append("abandon")


@pytest.fixture
def run() -> Run:
    return Store().create("digits", max_steps=10)


def test_it_waits_until_the_end(run: Run) -> None:
    training = Trains(run, False, False, True)
    watch(training)

    assert training.did == ["start"]


def test_what_is_wrong_with_the_store_is_said_once(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    training = Trains(run, False, False, True)
    training.problem = "The store cannot be written: disk full. Training goes on."
    watch(training)

    assert capsys.readouterr().err == "The store cannot be written: disk full. Training goes on.\n"


def test_the_first_interrupt_asks_and_the_second_breaks_off(run: Run) -> None:
    once = Trains(run, False, KeyboardInterrupt, False, True)
    watch(once)
    assert (once.did, once.was_interrupted) == (["start", "stop"], True)

    twice = Trains(run, KeyboardInterrupt, KeyboardInterrupt, False)
    with pytest.raises(KeyboardInterrupt):
        watch(twice)
    assert twice.did == ["start", "stop", "abandon"]


def test_what_went_wrong_is_raised(run: Run) -> None:
    training = Trains(run, True)
    training.error = ValueError("the loss is not finite")

    with pytest.raises(ValueError, match="the loss is not finite"):
        watch(training)


def test_one_line_says_what_it_came_to(run: Run) -> None:
    with Recorder(run) as recorder:
        recorder.hear(Message("validation_loss", 0.25, step=4))
        recorder.hear(Message("status", Status("running"), time=100.0))
        recorder.hear(Message("status", Status("stopped", {"step": 4}), time=103.5))

    assert summary(Trains(run)) == (
        "`digits` stopped: 4 of 10 steps in 3.5 s, validation loss 0.25. "
        "The kid is as it was after step 4; train it again and it goes on."
    )


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (3, "The kid is as it was after step 3; train it again and it goes on."),
        (0, "The kid is as it was before: its ranks kept nothing. Train it again and it begins anew."),
    ],
)
def test_the_line_tells_of_the_kid_that_came_home_from_ranks_that_were_broken_off(
    run: Run, step: int, said: str
) -> None:
    with Recorder(run) as recorder:
        recorder.hear(Message("status", Status("stopped", {"step": 4})))
    training = Trains(run)
    training.kid = SimpleNamespace(step=step)  # type: ignore[attr-defined]

    assert summary(training) == f"`digits` stopped: 4 of 10 steps in 0.0 s. {said}"


def test_below_it_stands_what_it_was_warned_of(run: Run) -> None:
    with Recorder(run) as recorder:
        recorder.hear(Message("status", Status("running"), time=100.0))
        recorder.hear(Message("event", Event("warning", {"text": "The loss is not finite since step 4."})))
        recorder.hear(Message("status", Status("finished", {"step": 10}), time=103.5))

    assert summary(Trains(run)).endswith("10 steps in 3.5 s\n⚠ The loss is not finite since step 4.")


def test_a_measurement_of_an_earlier_step_is_said_to_be_one(run: Run) -> None:
    with Recorder(run) as recorder:
        recorder.hear(Message("validation_loss", 0.25, step=4))
        recorder.hear(Message("status", Status("stopped", {"step": 7})))

    assert "validation loss 0.25 (of step 4). The kid is as it was after step 7;" in summary(Trains(run))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            {"metric": "validation_loss", "patience": 3, "best": 0.25, "best_step": 4},
            "Stopped early: no better validation loss than 0.25 of step 4 in 3 validations; train it again "
            "and it has as many more.",
        ),
        ({}, "A hook ended it; train it again and it goes on."),
    ],
)
def test_an_end_before_the_last_step_is_explained(run: Run, told: dict[str, object], said: str) -> None:
    with Recorder(run) as recorder:
        recorder.hear(Message("event", Event("early_stop", {"step": 7, **told}), step=7))
        recorder.hear(Message("status", Status("finished", {"step": 7})))

    assert summary(Trains(run)) == f"`digits` finished: 7 of 10 steps in 0.0 s. {said}"
