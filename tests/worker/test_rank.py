"""What a rank does with what its supervisor says, here without a supervisor."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from akidlab.messages import Command
from akidlab.wire import Listener
from akidlab.worker.rank import Rank


@pytest.fixture
def rank(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rank]:
    monkeypatch.setenv("HOROVOD_RANK", "0")
    monkeypatch.setenv("HOROVOD_SIZE", "1")
    with Listener(lambda request, peer: None, kind="pool", uid="a1") as listener:
        yield Rank(listener.connection.path, 1, "horovod")


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

    assert said[0] == "Rank 0 is at:"
    assert any("in test_a_rank_says_where_it_is" in line for line in said)
