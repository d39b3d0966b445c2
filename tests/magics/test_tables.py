"""`%akid_pool` and `%akid_runs`."""

from __future__ import annotations

import pytest

from akidlab import Session, Store
from akidlab.errors import MagicError, UnknownNameError
from akidlab.magics.tables import PoolTable
from tests.magics.notebook import Notebook

POOL = {
    "size": 2,
    "state": "ready",
    "run": None,
    "launcher": "horovod",
    "idle_left": 599.6,
    "pid": 12,
    "project": "/p",
}


def test_without_ranks_it_says_how_to_get_some(notebook: Notebook) -> None:
    assert notebook.run("%akid_pool") == (
        "No ranks. `%akid_pool --start 2` starts two; so does a `%%akid_train -np 2` cell.\n"
    )


def test_a_pool_is_a_row_in_words_and_in_html() -> None:
    assert repr(PoolTable([POOL])).splitlines()[-1].split() == [
        "2", "ready", "-", "horovod", "leaves", "in", "600", "s", "12", "/p",
    ]  # fmt: skip
    assert "<td style='text-align:left'>ready</td>" in PoolTable([POOL])._repr_html_()


def test_a_run_that_waits_for_another_is_shown_as_waiting() -> None:
    pool = {**POOL, "run": "digits", "waiting": ["letters"]}

    assert "  digits, letters (waits)  " in repr(PoolTable([pool]))


def test_a_stop_tells_which_runs_it_ended(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "stop_pools", lambda self: ["digits", "letters"])

    shown = notebook.run("%akid_pool --stop")
    assert shown.startswith("Stopped with their ranks: `digits`, `letters`.\nNo ranks.")


def test_contradictions_are_answered(notebook: Notebook) -> None:
    with pytest.raises(MagicError, match="Say one of `--start`, `--resize` and `--stop`"):
        notebook.run("%akid_pool --start 2 --stop")


def test_the_newest_runs_are_shown(notebook: Notebook) -> None:
    for name in ("first", "second"):
        Store().create(name)
    shown = notebook.run("%akid_runs --last 1")

    assert "second" in shown
    assert "first" not in shown


def test_runs_that_train_come_first_and_say_where(notebook: Notebook) -> None:
    Store().create("training", status="running")
    Store().create("old", status="finished")
    lines = notebook.run("%akid_runs").splitlines()

    assert [line.split()[0] for line in lines[2:]] == ["training", "old"]
    assert lines[2].split()[1:4] == ["▶", "running", "here"]


def test_a_run_is_attached_to_by_its_name_or_as_the_one_that_trains(notebook: Notebook) -> None:
    run = Store().create("digits", status="running")
    Store().create("old", status="finished")
    notebook.run("named = %akid_runs --attach old\nlive = %akid_runs --attach")

    assert (notebook["named"].run.name, notebook["live"].run) == ("old", run)
    assert "Run('digits': ▶ running" in notebook.run("%akid_runs --attach digits")


def test_what_cannot_be_attached_to_is_answered(notebook: Notebook) -> None:
    Store().create("digits", status="finished")

    with pytest.raises(UnknownNameError, match="Did you mean `digits`"):
        notebook.run("%akid_runs --attach digts")
    with pytest.raises(MagicError, match=r"Nothing trains .* by its name: `attach\('digits'\)`"):
        notebook.run("%akid_runs --attach")
    with pytest.raises(MagicError, match="Say `--last` or `--attach`"):
        notebook.run("%akid_runs --attach digits --last 3")
