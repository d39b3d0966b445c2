"""What ranks write is shown with the rank that wrote it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from akidlab.dispatch import Job, Outcome
from akidlab.errors import CheckpointError
from akidlab.kids import Controls
from akidlab.messages import Command
from akidlab.session.ranks import Echo, RanksTraining
from akidlab.store import Store
from tests.patience import PATIENCE


def test_each_line_carries_its_rank_however_it_arrives() -> None:
    shown: list[tuple[str, str]] = []
    echo = Echo(lambda stream, text: shown.append((stream, text)))
    echo(0, "stdout", "one")
    echo(1, "stderr", "other\n")
    echo(0, "stdout", " line\nand more\n")

    assert shown == [
        ("stdout", "[0] one"),
        ("stderr", "[1] other\n"),
        ("stdout", " line\n"),
        ("stdout", "[0] and more\n"),
    ]


def test_nothing_is_shown_where_outputs_may_not_vary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKIDLAB_QUIET", "1")
    shown: list[str] = []
    Echo(lambda stream, text: shown.append(text))(0, "stdout", "hello\n")

    assert shown == []


def test_weights_that_do_not_fit_are_told_and_the_training_is_over() -> None:
    job: Any = SimpleNamespace(wait=lambda *_: Outcome("finished", weights=b"torn"), is_over=True)
    kid: Any = SimpleNamespace(run=None, controls=Controls())
    training = RanksTraining(kid, job, Store().create("digits"))

    assert training.join(PATIENCE)
    assert isinstance(training.error, CheckpointError)
    assert (training.is_live, kid.run) == (False, training.run)


def test_what_is_asked_of_the_kid_here_reaches_the_ranks_until_they_end() -> None:
    heard: list[Command] = []
    job: Any = SimpleNamespace(wait=lambda *_: Outcome("stopped"), is_over=True, command=heard.append)
    kid: Any = SimpleNamespace(run=None, controls=Controls())
    training = RanksTraining(kid, job, Store().create("digits"))

    assert kid.controls.send(Command("stop", id="a"))
    assert training.join(PATIENCE)
    assert (kid.controls.send("stop"), heard) == (False, [Command("stop", id="a")])


def test_a_cell_whose_run_waits_says_what_is_ahead(capsys: pytest.CaptureFixture[str]) -> None:
    kid: Any = SimpleNamespace(run=None, controls=Controls())
    for waits_for in ("first", None):
        job: Any = SimpleNamespace(name="second", waits_for=waits_for, listen_for_moves=id)
        RanksTraining(kid, job, Store().create("digits")).start()

    assert capsys.readouterr().out == (
        "`second` waits for `first`, which has these ranks first. Interrupt to wait no longer.\n"
    )


def test_a_wish_to_move_that_comes_before_anybody_listens_is_kept() -> None:
    job, heard = Job(SimpleNamespace(), "a1", "digits"), []  # type: ignore[arg-type]
    job.hear({"kind": "move", "command": Command("ranks", 1, "a")})
    job.listen_for_moves(heard.append)
    job.hear({"kind": "move", "command": Command("ranks", 2, "b")})

    assert heard == [Command("ranks", 1, "a"), Command("ranks", 2, "b")]
