"""A run keeps the graph of its brain, as it was when the kid began and as edits left it."""

from __future__ import annotations

import pytest

from akidlab import Kid, ReLULayer
from akidlab.errors import StoreError
from akidlab.messages import CallbackSubscriber
from akidlab.store import Recorder, Run, Store


@pytest.fixture
def run(tmp_path) -> Run:
    return Store(tmp_path).create("digits")


def _practised(kid: Kid, run: Run) -> None:
    with Recorder(run) as recorder:
        kid.bus.subscribe(CallbackSubscriber(recorder.hear))
        kid.practice()


def test_the_graph_of_a_run_is_that_of_its_brain(make_kid, run):
    kid = make_kid()
    _practised(kid, run)

    assert run.graph() == kid.brain.graph()


def test_an_edit_in_the_midst_of_a_practice_is_a_graph_of_its_own(make_kid, run):
    kid = make_kid(max_steps=8)

    def edit(kid: Kid) -> None:
        if kid.step == 4:
            kid.edit(lambda brain: brain.insert_after("relu1", ReLULayer(name="more")))

    kid.hooks.on_batch_end.append(edit)
    _practised(kid, run)

    assert [run.graph(step=step).parameters for step in (0, 3, 8)] == [1210, 1210, 1210]
    assert [len(run.graph(step=step).nodes) for step in (0, 3, 4, 8)] == [5, 5, 6, 6]
    assert run.graph() == kid.brain.graph()


def test_a_run_that_did_not_begin_says_that_it_has_told_no_graph(run):
    with pytest.raises(StoreError, match="`digits` has told no graph"):
        run.graph()


def test_what_each_block_takes_is_told_when_it_is_asked(make_kid, run):
    kid = make_kid(max_steps=8)
    kid.hooks.on_batch_end.append(lambda kid: kid.step == 4 and kid.controls.send("profile"))
    _practised(kid, run)

    names = ["ip1", "relu1", "ip2", "loss"]
    told = {name: run.scalars(f"time_per_block_ms/{name}") for name in names}
    assert all(list(series.steps) == [4] and series.last > 0 for series in told.values())
