"""A dashboard offers the places that a run can really be moved to."""

from __future__ import annotations

import os

import pytest

from akidlab import Dashboard
from akidlab.dispatch import home
from akidlab.messages import Command, Message, Status
from akidlab.store import Recorder, Run
from akidlab.widgets import description


def tell(recorder: Recorder, status: str | None = "running", **facts: object) -> list[int]:
    recorder.hear(Message("status", Status(status, facts)))
    recorder.flush()
    return description.places(recorder.run.look())


def test_a_run_whose_notebook_lives_may_go_to_as_many_ranks_as_there_are_cores(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cores, places in ((1, [1, 2]), (2, [1, 2]), (11, [1, 2, 4, 8])):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        assert tell(recorder, home=home.here()) == places
    assert tell(recorder, world_size=3, home=home.here()) == [1, 2, 3, 4, 8]


def test_a_run_that_trains_by_itself_or_whose_notebook_is_gone_stays(recorder: Recorder) -> None:
    assert tell(recorder) == []
    assert tell(recorder, home={"pid": os.getpid(), "born": 1.0}) == []
    assert tell(recorder, "finished", home=home.here()) == []


def test_the_menu_of_a_dashboard_asks_the_run_to_move(run: Run, recorder: Recorder) -> None:
    heard: list[Command] = []
    dashboard = Dashboard(run, send=heard.append)
    dashboard._hear({"kind": "command", "action": "ranks", "value": 2, "id": "a1"}, [])
    dashboard.close()

    assert heard == [Command("ranks", 2, "a1")]
