"""Questions wait for the thread that trains, and each is answered once."""

from __future__ import annotations

import time
from typing import Any

import pytest
import torch
from torch import nn

from akidlab.asking import Desk, desk, peek
from akidlab.errors import AskError
from akidlab.kids import Controls


class Training:
    """A loop by hand."""

    def __init__(self, compiled: bool = False) -> None:
        self.module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(4, 2))
        self.controls, self.step = Controls(), 0
        self.desk = Desk(
            lambda: self.module, self.controls, {"step": lambda: self.step}, compiled=lambda: compiled
        )
        self.heard: list[dict[str, Any]] = []

    def look(self) -> None:
        """What is between two steps."""
        self.controls.take()

    def make_a_step(self) -> None:
        self.module(torch.ones(5, 3)).sum().backward()
        self.step += 1

    def hooks(self) -> int:
        return sum(len(module._forward_hooks) for module in self.module.modules())


@pytest.fixture
def training() -> Training:
    return Training()


def test_a_question_waits_for_the_thread_that_trains(training: Training) -> None:
    training.desk.ask("brain[0].weight.shape", training.heard.append)
    assert (training.heard, training.controls.pending) == ([], True)
    training.look()

    assert training.heard == [{"ok": True, "value": [4, 3], "step": 0}]
    assert training.controls.pending is False


def test_what_cannot_be_read_does_not_trouble_the_training(training: Training) -> None:
    with pytest.raises(AskError, match="is no expression"):
        training.desk.ask("brain[0]..weight", training.heard.append)

    assert training.controls.pending is False


def test_what_no_one_kept_is_seen_at_the_next_step(training: Training) -> None:
    training.desk.ask("brain[0].out, brain[0].input.shape, brain[1].out.min() >= 0", training.heard.append)
    for _ in range(2):  # it finds out one by one what it has to look at
        training.look()
        assert (training.heard, training.controls.pending) == ([], True)
        training.make_a_step()
    training.look()

    (told,) = training.heard
    out, shape, positive = told["value"]
    assert torch.equal(torch.from_numpy(out), training.module[0](torch.ones(5, 3)).detach())
    assert (shape, positive, told["step"], training.hooks()) == ([5, 3], True, 2, 0)  # before ReLU changed it


def test_only_passes_that_train_are_seen(training: Training) -> None:
    training.desk.ask("brain[3].out.shape", training.heard.append)
    training.look()
    with torch.no_grad():
        training.module(torch.ones(99, 3))
    training.make_a_step()
    with torch.no_grad():
        training.module(torch.ones(99, 3))
    training.look()

    assert training.heard[0]["value"] == [5, 2]


def test_without_a_step_nothing_is_seen(training: Training) -> None:
    training.desk.ask("brain[0].out", training.heard.append)
    training.look()
    training.look()

    assert (
        "`0` keeps no output, and none was seen: no step is being made; resume" in training.heard[0]["error"]
    )
    assert training.hooks() == 0


def test_what_did_not_run_is_told(training: Training) -> None:
    training.module.add_module("unused", nn.Module())
    training.desk.ask("unused.out", training.heard.append)
    training.look()
    training.step += 1
    training.look()

    assert "`unused` keeps no output, and none was seen: it did not run" in training.heard[0]["error"]


def test_what_is_too_large_is_not_kept(training: Training, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peek, "LARGEST", 34)  # 5 × 3 go in, 5 × 4 come out
    training.desk.ask("brain[0].out", training.heard.append)
    training.look()
    training.make_a_step()
    training.look()

    assert "or its output is too large" in training.heard[0]["error"]


def test_of_what_runs_compiled_nothing_is_seen() -> None:
    training = Training(compiled=True)
    training.desk.ask("brain[0].out", training.heard.append)
    training.look()

    assert "`0` keeps no output: it runs compiled" in training.heard[0]["error"]


def test_an_answer_that_comes_too_late_is_not_computed(training: Training) -> None:
    training.desk.ask("brain[0].weight", training.heard.append, timeout=0.0)
    time.sleep(0.01)
    training.look()

    assert training.heard == [{"ok": False, "error": "The question came too late to be answered in time."}]


def test_what_goes_wrong_is_told_to_who_asked_and_training_goes_on(training: Training) -> None:
    training.desk.ask("brain[0].wieght", training.heard.append)
    training.look()
    training.make_a_step()

    assert "Did you mean `weight`?" in training.heard[0]["error"]


def test_the_end_is_told_to_all_who_wait(training: Training) -> None:
    for question in ("brain[0].out", "step"):
        training.desk.ask(question, training.heard.append)
    training.desk.close()
    training.look()

    assert [told["error"] for told in training.heard] == [desk.OVER] * 2
    with pytest.raises(AskError, match="The run has ended"):
        training.desk.ask("step", training.heard.append)


def test_the_end_takes_hooks_away(training: Training) -> None:
    training.desk.ask("brain[0].out", training.heard.append)
    training.look()
    assert training.hooks() == 1
    training.desk.close()

    assert (training.hooks(), training.heard) == (0, [{"ok": False, "error": desk.OVER}])


def test_not_too_many_wait(training: Training) -> None:
    for _ in range(desk.MOST):
        training.desk.ask("step", training.heard.append)

    with pytest.raises(AskError, match="8 questions wait for an answer already"):
        training.desk.ask("step", training.heard.append)
    training.look()
    training.desk.ask("step", training.heard.append)


@pytest.mark.parametrize(
    "request_", [{}, {"question": 7}, {"question": "step", "timeout": "soon"}, {"rank": 1}]
)
def test_a_request_that_makes_no_sense_is_answered(training: Training, request_: dict[str, Any]) -> None:
    answer = training.desk.take(request_, training.heard.append)

    assert (answer["ok"], training.controls.pending) == (False, False)


def test_an_answer_carries_the_number_of_its_question(training: Training) -> None:
    request = {"question": "step", "timeout": 5, "id": "a1"}

    assert training.desk.take(request, training.heard.append) == {"ok": True}
    training.look()
    assert training.heard == [{"kind": "answer", "id": "a1", "ok": True, "value": 0, "step": 0}]
