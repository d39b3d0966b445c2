"""Branching from a dashboard: the checkpoint that a child would begin at, and the way to a child."""

from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import pytest

from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
from akidlab.messages import Event, Message, Samples
from akidlab.models.brains import OneLayerBrain
from akidlab.store import Recorder, Run, Store
from akidlab.widgets import branching
from akidlab.widgets.dashboard import Dashboard
from akidlab.widgets.questions import answer


def learn(run: Run, steps: range, leaves: tuple[Run, int] | None = None, keeps: tuple[int, ...] = ()) -> Run:
    """Record a loss that is the step itself, with empty files for checkpoints."""
    with Recorder(run) as recorder:
        if leaves is not None:
            facts = {"parent": leaves[0].uid, "name": leaves[0].name, "step": leaves[1]}
            recorder.hear(Message("event", Event("branched", facts), step=leaves[1]))
        recorder.hear(Message("loss", Samples(list(steps), [float(n) for n in steps], [1e9] * len(steps))))
        recorder.stop("finished")
    run.folder.mkdir(exist_ok=True)
    for age, step in enumerate(keeps):
        path = run.folder / f"step-{step}.safetensors"
        path.touch()
        os.utime(path, (1e9 + age, 1e9 + age))
    return run


@pytest.fixture
def family() -> tuple[Run, Run]:
    """A run of ten steps, and a branch that left it at step 4."""
    store = Store()
    parent = learn(store.create("digits"), range(1, 11), keeps=(2, 4, 8))
    child = store.create("slower", parent=parent.uid)
    return parent, learn(child, range(5, 13), (parent, 4), keeps=(6, 12))


def test_a_branch_begins_at_the_newest_checkpoint_no_later_than_the_step(family: tuple[Run, Run]) -> None:
    parent, _ = family

    found = [answer(parent, "checkpoints", {"step": step}).content for step in (1, 4, 7, 99)]

    assert [(told["run"], told["step"]) for told in found] == [
        (None, None),
        ("digits", 4),
        ("digits", 4),
        ("digits", 8),
    ]
    assert found[0]["first"] == 2


def test_before_a_branch_began_the_checkpoints_are_those_of_its_parent(family: tuple[Run, Run]) -> None:
    _, child = family

    found = [answer(child, "checkpoints", {"step": step}).content for step in (3, 5, 6)]

    assert [(told["run"], told["step"]) for told in found] == [("digits", 2), ("digits", 4), ("slower", 6)]


def test_a_run_without_checkpoints_has_none_to_begin_at() -> None:
    told = answer(Store().create("digits"), "checkpoints", {"step": 3}).content

    assert told == {"run": None, "step": None, "first": None}


@pytest.mark.parametrize("step", [None, -1, 2.5, True, "3"])
def test_what_is_no_step_is_refused(step: object) -> None:
    with pytest.raises(ValueError, match="`step` is a step, found"):
        answer(Store().create("digits"), "checkpoints", {"step": step})


def test_the_way_to_a_branch_is_told_with_its_curves(family: tuple[Run, Run]) -> None:
    parent, child = family

    told = answer(child, "ancestors", {"tags": ["loss", "accuracy"]})

    assert told.content == {
        "way": [{"uid": parent.uid, "name": "digits", "until": 4}],
        "series": [["loss", 4]],
    }
    assert np.frombuffer(told.buffers[0]).tolist() == [1, 2, 3, 4]
    assert np.frombuffer(told.buffers[1], np.float32).tolist() == [1, 2, 3, 4]


def test_the_way_to_a_branch_of_a_branch_is_whole(family: tuple[Run, Run]) -> None:
    _, child = family
    last = learn(child.store.create("last", parent=child.uid), range(7, 9), (child, 6))

    told = answer(last, "ancestors", {"tags": ["loss"]})

    assert [(one["name"], one["until"]) for one in told.content["way"]] == [("digits", 4), ("slower", 6)]  # type: ignore[index, union-attr]
    assert np.frombuffer(told.buffers[0]).tolist() == [1, 2, 3, 4, 5, 6]


def test_a_run_that_began_anew_has_no_way(family: tuple[Run, Run]) -> None:
    parent, _ = family

    assert answer(parent, "ancestors", {"tags": ["loss"]}).content == {"way": [], "series": []}


def test_the_head_of_a_dashboard_names_the_parent_and_the_kid(
    family: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, child = family
    kid = Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(), max_steps=1)
    kid.run = child
    names = {"_": kid, "other": SimpleNamespace(run=child), "slow": kid}
    monkeypatch.setattr(branching, "get_ipython", lambda: SimpleNamespace(user_ns=names))

    head = Dashboard(child)._head()

    assert (head["parent"], head["kid"]) == (parent.uid, "slow")
    assert not {"parent", "kid"} & set(Dashboard(parent)._head())
