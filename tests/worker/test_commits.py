"""What a rank commits, and goes on from: here on a single one."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import torch as safetensors

from akidlab import (
    BatchNormalizationLayer,
    Brain,
    DigitsSource,
    DropoutLayer,
    FeedSensor,
    InnerProductLayer,
    Kid,
    MomentumKongFu,
    ReLULayer,
    SoftmaxWithLossLayer,
)
from akidlab.dispatch import commits
from akidlab.kids import checkpoint
from akidlab.messages import CallbackSubscriber, Command
from akidlab.worker.commits import Commits


def make(steps: int = 30) -> Kid:
    """A kid that draws at each step, and has running statistics."""
    brain = Brain().attach(
        InnerProductLayer(out_channel_num=16, name="ip1"),
        BatchNormalizationLayer(name="bn"),
        ReLULayer(name="relu"),
        DropoutLayer(keep_prob=0.5, name="drop"),
        InnerProductLayer(out_channel_num=10, name="ip2"),
        SoftmaxWithLossLayer(
            class_num=10, inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}], name="loss"
        ),
    )
    return Kid(
        FeedSensor(DigitsSource(), batch_size=64), brain, MomentumKongFu(lr=0.05),
        max_steps=steps, val_log_step=9, train_log_step=5, record=False,
    )  # fmt: skip


def committed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def state(kid: Kid) -> dict[str, torch.Tensor]:
    return checkpoint.read(checkpoint.dump(kid))[0]


def test_a_kid_that_goes_on_from_a_commit_ends_as_one_that_was_left_alone(tmp_path: Path) -> None:
    alone, lost, again = make(), make(17), make()
    alone.practice()
    lost.commits = Commits([tmp_path], every=7)
    lost.practice()
    made = again.commits = Commits([tmp_path], every=7, resume={"step": 14, "path": None})
    again.setup()
    assert made.restore(again)
    assert again.step == 14
    again.practice()

    expected, found = state(alone), state(again)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_commit_can_be_made_a_checkpoint_that_a_kid_goes_on_from_bit_for_bit(tmp_path: Path) -> None:
    alone, lost, again = make(), make(17), make()
    alone.practice()
    lost.commits = Commits([tmp_path], every=7)
    lost.practice()
    checkpoint.load(again, commits.as_checkpoint((tmp_path / commits.name(14, 0)).read_bytes()))
    assert again.step == 14
    again.practice()

    expected, found = state(alone), state(again)
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_every_type_that_safetensors_knows_has_the_name_that_torch_gives_it() -> None:
    ours = {name: f"torch.{called}" for name, called in commits.TYPES.items()}

    assert ours.items() <= {name: str(kind) for name, kind in safetensors._TYPES.items()}.items()


def test_it_keeps_the_last_two(tmp_path: Path) -> None:
    kid = make()
    kid.commits = Commits([tmp_path], every=7)
    kid.practice()

    assert committed(tmp_path) == ["step-21.rank-0.safetensors", "step-28.rank-0.safetensors"]


def test_what_lies_beyond_the_step_it_goes_back_to_is_dropped(tmp_path: Path) -> None:
    kid, again = make(20), make()
    kid.commits = Commits([tmp_path], every=7)
    kid.practice()
    again.setup()
    Commits([tmp_path], every=7, resume={"step": 7, "path": None}).restore(again)

    assert committed(tmp_path) == ["step-7.rank-0.safetensors"]


def test_by_default_commits_take_a_hundredth_of_the_time(tmp_path: Path) -> None:
    kid = make(12)
    made = kid.commits = Commits([tmp_path])
    kid.practice()

    assert committed(tmp_path) == ["step-10.rank-0.safetensors"]
    assert made.due > 20  # a step takes a millisecond, and so does a commit


def test_a_command_is_committed_at_once(tmp_path: Path) -> None:
    kid = make()
    kid.commits = Commits([tmp_path], every=1000)
    kid.hooks.on_batch_end.append(lambda kid: kid.step == 5 and kid.controls.send(Command("rate", 0.001)))
    kid.practice()
    again = make()
    again.setup()
    Commits([tmp_path], resume={"step": 5, "path": None}).restore(again)

    assert again.kongfu.get_lr() == 0.001


def test_a_place_that_is_full_is_passed_over(tmp_path: Path) -> None:
    full = tmp_path / "file"
    full.write_text("no folder")
    kid = make(8)
    kid.commits = Commits([full / "commits", tmp_path / "room"], every=4)
    kid.practice()

    assert committed(tmp_path / "room") == ["step-4.rank-0.safetensors", "step-8.rank-0.safetensors"]


def test_where_there_is_no_room_it_warns_once_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    kid = make(12)
    kid.commits = Commits([tmp_path / "file" / "commits"], every=4)
    warned: list[str] = []
    kid.bus.subscribe(CallbackSubscriber(lambda message: warned.append(str(message.data)), topics=["log"]))
    kid.practice()

    assert kid.step == 12
    assert [text for text in warned if "Step 4 could not be committed" in text] == warned
    assert len(warned) == 1


def test_it_begins_at_the_beginning_if_nothing_is_said(tmp_path: Path) -> None:
    kid = make()
    kid.setup()

    assert not Commits([tmp_path]).restore(kid)
