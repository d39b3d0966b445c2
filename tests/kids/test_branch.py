"""Time travel and branches: a run as of a checkpoint, and another that goes on from there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from akidlab import checkpoints
from akidlab.errors import CheckpointError, KindError
from akidlab.kids import checkpoint
from akidlab.models.brains import OneLayerBrain


@pytest.fixture
def grown(make_kid):
    """A kid that has practised 40 steps in a run, with a checkpoint every 10 steps; with dropout."""
    kid = make_kid(max_steps=40, val_log_step=10, dropout=0.3, record=True, name="digits")
    kid.practice()
    return kid


def test_a_run_is_given_as_of_the_checkpoint_before_a_step(grown, make_kid, weights_of) -> None:
    then = make_kid(max_steps=20, val_log_step=10, dropout=0.3)
    then.practice()

    past = grown.run.at(29, like=grown)

    assert past.step == past.kid.step == 20
    assert weights_of(past.kid).equal(weights_of(then))
    assert grown.step == 40
    assert past.kid.sensor.source is grown.sensor.source


def test_the_weights_of_then_go_into_a_brain_without_any_kid(grown, weights_of) -> None:
    past = grown.run.at(20)
    brain = past.load_into(grown.brain.get_clone())

    assert set(past.weights()) == set(brain.state_dict())
    assert all(torch.equal(past.weights()[name], value) for name, value in brain.state_dict().items())
    assert not torch.equal(past.weights()["ip1.weight"], grown.brain.state_dict()["ip1.weight"])


def test_a_kid_goes_back_to_a_moment(grown) -> None:
    assert grown.restore(grown.run.at(20)).step == 20


def test_a_step_before_all_checkpoints_names_the_nearest(grown) -> None:
    there = r"no whole checkpoint of step 9 or before\. The nearest are those of steps 10 and 20\."
    with pytest.raises(CheckpointError, match=there):
        grown.run.at(9)
    with pytest.raises(KindError, match=r"`step` is a whole number, found '10'\."):
        grown.run.at("10")


def test_where_the_only_checkpoint_is_the_last_it_is_said_how_there_are_more(make_kid) -> None:
    kid = make_kid(max_steps=20, record=True)
    kid.practice()

    remedy = r"nearest is that of step 20\. .*`val_log_step` .*`kid\.save\(\)`, or \*Checkpoint\*"
    with pytest.raises(CheckpointError, match=remedy):
        kid.branch(10)


def test_a_torn_checkpoint_is_passed_over_for_the_one_before(grown) -> None:
    path = grown.run.checkpoints[1].path
    path.write_bytes(path.read_bytes()[:-50])

    assert grown.run.at(25).step == 10


def test_a_kid_of_then_needs_one_that_it_is_like(grown, make_kid) -> None:
    with pytest.raises(CheckpointError, match=r"holds no code\. Give a kid .*`run\.at\(20, like=kid\)`"):
        _ = grown.run.at(20).kid
    with pytest.raises(CheckpointError, match="belongs to another brain"):
        _ = grown.run.at(20, like=make_kid(brain=OneLayerBrain())).kid


def test_a_branch_with_nothing_changed_repeats_its_parent_bit_for_bit(grown, weights_of) -> None:
    child = grown.branch(20)
    child.practice()

    assert child.run.name == "digits-from-20"
    assert (child.run.parent, child.run.branched_at) == (grown.run.uid, 20)
    assert weights_of(child).equal(weights_of(grown))
    for tag in ("loss", "validation_loss"):
        ours, theirs = child.run.scalars(tag), grown.run.scalars(tag, since=20)
        repeated = ours.values[ours.steps > 20]
        assert np.array_equal(repeated, theirs.values), tag
    whole = child.run.scalars("loss", lineage=True)
    assert np.array_equal(whole.values, grown.run.scalars("loss").values)
    assert np.array_equal(whole.steps, np.arange(1, 41))


def test_a_branch_spreads_its_work_as_its_parent_does(make_kid, weights_of) -> None:
    engine = {"name": "data_parallel", "num_gpu": 2}
    kid = make_kid(max_steps=20, val_log_step=10, record=True, engine=engine)
    kid.practice()

    child = kid.branch(10)
    child.practice()

    assert repr(child.engine) == repr(kid.engine)
    assert weights_of(child).equal(weights_of(kid))


def test_what_is_changed_in_a_branch_changes_that_alone(grown, weights_of) -> None:
    before = weights_of(grown).clone()
    child = grown.run.branch(20, grown, name="slower")
    child.kongfu.set_lr(0.001, child.clock)

    child.practice()

    assert child.run.name == "slower"
    assert weights_of(grown).equal(before)
    assert not weights_of(child).equal(before)
    assert grown.kongfu.get_lr() == 0.05


def test_the_checkpoint_that_a_branch_left_from_stays(grown) -> None:
    grown.branch(20)
    grown.keep, grown.max_steps, grown.val_log_step = {"last": 1, "files": 2}, 60, 2

    run = grown.run
    grown.open_run(run=run)
    grown.practice()
    grown.close_run()

    assert 20 in run.checkpoints.steps
    assert [one.step for one in run.checkpoints if one.is_pinned] == [20]


def test_a_branch_of_a_branch_knows_the_whole_way(grown) -> None:
    child = grown.branch(20)
    child.practice()
    grandchild = child.branch(30, name="third")
    grandchild.practice()

    way = [(stretch.run.name, stretch.until) for stretch in grandchild.run.lineage]
    assert way == [("digits", 20), ("digits-from-20", 30), ("third", None)]
    assert len(grandchild.run.scalars("loss", lineage=True)) == 40
    assert [run.name for run in grown.run.children] == ["digits-from-20"]


def test_a_kid_with_a_folder_of_its_own_branches_from_there(make_kid, tmp_path) -> None:
    kid = make_kid(max_steps=20, val_log_step=10, record=True, log_dir=tmp_path)
    kid.practice()

    assert kid.branch(15).step == 10
    assert [one.step for one in checkpoints.on_the_way(tmp_path) if one.is_pinned] == [10]


def test_a_second_practice_is_no_branch(grown) -> None:
    child = grown.branch(30)
    child.practice()
    child.max_steps = 45
    child.practice()

    assert child.run.parent is None


def test_a_kid_without_a_run_has_nothing_to_branch_from(make_kid) -> None:
    with pytest.raises(CheckpointError, match="has practised no run yet"):
        make_kid().branch(3)


def test_a_run_tells_what_it_was_made_with(grown) -> None:
    made = grown.run.info["made_with"]

    assert made["versions"]["torch"] == torch.__version__
    assert made["data"]["name"] == "DigitsSource 'digits'"
    assert made["data"]["train"].startswith("1437, ")


def test_a_branch_whose_run_could_not_be_opened_is_still_one(grown, monkeypatch) -> None:
    child = grown.branch(20)
    with monkeypatch.context() as patch:
        patch.setattr("akidlab.store.Store.create", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            child.practice()
    child.practice()

    assert (child.run.parent, child.run.branched_at) == (grown.run.uid, 20)


@pytest.mark.parametrize("find", [lambda run: run.at(100).data, lambda run: checkpoint.newest(run.folder)])
def test_a_checkpoint_that_goes_while_it_is_looked_for_is_not_missed(grown, monkeypatch, find) -> None:
    read, paths = Path.read_bytes, [one.path for one in grown.run.checkpoints]
    newest = paths[-1].read_bytes()

    def thinned_meanwhile(path: Path) -> bytes:
        if paths:
            paths.pop().rename(path.with_name("step-41.safetensors"))
            [path.unlink() for path in paths]
            paths.clear()
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", thinned_meanwhile)

    assert find(grown.run) == newest
