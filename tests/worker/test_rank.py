"""What a rank does with what its supervisor says, here without a supervisor."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from akidlab.kids import Controls
from akidlab.messages import Command
from akidlab.wire import Listener
from akidlab.worker.rank import Rank


@pytest.fixture
def rank(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rank]:
    monkeypatch.setenv("HOROVOD_RANK", "0")
    monkeypatch.setenv("HOROVOD_SIZE", "1")
    with Listener(lambda request, peer: None, kind="pool", uid="a1") as listener:
        yield Rank(listener.connection, 1, "horovod")


def told(rank: Rank, run: str) -> list[str]:
    """What the kid of `run` is told when it begins."""
    heard: list[str] = []
    controls = SimpleNamespace(send=lambda command: heard.append(command.action))
    rank.run = run
    rank._take_kid(SimpleNamespace(controls=controls))  # type: ignore[arg-type]
    return heard


def test_a_command_that_came_before_the_kid_waits_for_it(rank: Rank) -> None:
    rank._hear({"kind": "command", "run": "second", "command": Command("pause")})

    assert told(rank, "second") == ["pause"]


def test_a_command_that_came_too_late_for_a_run_is_not_for_the_next(rank: Rank) -> None:
    rank._hear({"kind": "command", "run": "first", "command": Command("stop")})

    assert told(rank, "second") == []


def test_a_rank_says_where_it_is(rank: Rank) -> None:
    said: list[str] = []
    asking = threading.Thread(target=lambda: said.extend(rank.stack().splitlines()))
    asking.start()
    asking.join()

    assert any("in test_a_rank_says_where_it_is" in line for line in said)


def asked(
    rank: Rank, monkeypatch: pytest.MonkeyPatch, question: str, run: str = "first"
) -> list[dict[str, Any]]:
    """What a rank tells when it is asked."""
    heard: list[dict[str, Any]] = []
    monkeypatch.setattr(rank, "tell", heard.append)
    rank._hear({"kind": "ask", "run": run, "id": "a1", "question": question, "timeout": 60.0})
    return heard


def test_a_question_that_comes_before_the_kid_is_answered_at_once(
    rank: Rank, monkeypatch: pytest.MonkeyPatch
) -> None:
    (told,) = asked(rank, monkeypatch, "step")

    assert (told["kind"], told["id"], told["run"], told["ok"]) == ("answer", "a1", "first", False)
    assert told["error"] == "Rank 0 has no kid yet, or no longer. Ask again."


def test_a_question_is_answered_by_the_thread_that_trains(
    rank: Rank, monkeypatch: pytest.MonkeyPatch
) -> None:
    kid: Any = SimpleNamespace(controls=Controls(), brain=torch.nn.Linear(3, 2), step=4, compile=False)
    rank.run = "first"
    rank._take_kid(kid)
    heard = asked(rank, monkeypatch, "weight.shape")
    assert heard == []
    kid.controls.take()

    assert heard == [{"kind": "answer", "id": "a1", "run": "first", "ok": True, "value": [2, 3], "step": 4}]
    assert asked(rank, monkeypatch, "weight", run="another")[0]["ok"] is False
    assert "is no expression" in asked(rank, monkeypatch, "weight weight")[0]["error"]
