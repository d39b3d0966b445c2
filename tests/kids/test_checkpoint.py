"""Checkpoints: resumed, a kid goes on bit for bit; a torn file does no harm."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors import safe_open

from akidlab import (
    AdamKongFu,
    AdamWKongFu,
    Brain,
    GradientDescentKongFu,
    InnerProductLayer,
    MergeLayer,
    MomentumKongFu,
    ReLULayer,
    SoftmaxWithLossLayer,
)
from akidlab.errors import CheckpointError
from akidlab.kids import checkpoint

KONGFUS = {
    "momentum": lambda: MomentumKongFu(lr=0.05),
    "nesterov": lambda: MomentumKongFu(lr=0.05, use_nesterov=True, weight_decay=1e-3),
    "plain": lambda: GradientDescentKongFu(lr=0.05),
    "adam": lambda: AdamKongFu(lr=0.01),
    "adamw": lambda: AdamWKongFu(lr=0.01),
    "cosine": lambda: MomentumKongFu(
        lr=0.05, lr_scheme={"name": "cosine", "max_steps": 40, "warmup_steps": 5}
    ),
    "by epoch": lambda: MomentumKongFu(lr=lr_by_epoch(), lr_scheme=lambda clock: 0.05 / (1 + clock.epoch)),
}


def lr_by_epoch() -> float:
    return 0.05


@pytest.mark.parametrize("kongfu", KONGFUS)
def test_a_resumed_kid_goes_on_bit_for_bit(make_kid, weights_of, kongfu, tmp_path):
    whole = make_kid(max_steps=40, dropout=0.3, kongfu=KONGFUS[kongfu]())
    first = make_kid(max_steps=22, dropout=0.3, kongfu=KONGFUS[kongfu](), log_dir=tmp_path)
    second = make_kid(max_steps=40, dropout=0.3, kongfu=KONGFUS[kongfu](), seed=99)
    whole.practice()
    first.practice()  # ends in the middle of an epoch

    second.restore(tmp_path)
    second.practice()

    assert int(second.clock) == 40
    assert weights_of(second).equal(weights_of(whole))
    assert second.loss == whole.loss


def test_a_checkpoint_from_the_middle_makes_up_for_what_its_step_ended(make_kid, weights_of, tmp_path):
    def practised(**options):
        kid = make_kid(val_log_step=15, max_steps=45, early_stopping=50, **options)
        kid.hooks.on_val_log_step.append(lambda k: k.kongfu.set_lr(k.kongfu.get_lr() * 0.9))
        kid.trace = []
        kid.hooks.on_val_log_step.append(lambda k: k.trace.append(("val", k.step)))
        kid.hooks.on_epoch_end.append(lambda k: k.trace.append(("epoch", k.epoch, k.step)))
        return kid

    whole = practised(log_dir=tmp_path)
    whole.practice()  # wrote step-15 on its way into the validation and the end of epoch 1
    resumed = practised()

    resumed.restore(tmp_path / "step-15.safetensors")
    resumed.practice()

    assert resumed.trace == whole.trace[1:]
    assert weights_of(resumed).equal(weights_of(whole))
    assert (resumed.best, resumed.patience, resumed.loss) == (whole.best, whole.patience, whole.loss)


def test_a_kid_continues_from_its_folder_when_told_to(make_kid, tmp_path):
    make_kid(max_steps=10, log_dir=tmp_path).practice()

    kid = make_kid(max_steps=20, log_dir=tmp_path, continue_from_chk_point=True)
    kid.setup()

    assert int(kid.clock) == 10


def test_nothing_to_continue_from_is_a_fresh_start(make_kid, tmp_path):
    kid = make_kid(log_dir=tmp_path / "none", continue_from_chk_point=True)
    kid.setup()

    assert int(kid.clock) == 0


def test_a_torn_file_is_passed_over_for_the_one_before(make_kid, tmp_path):
    make_kid(max_steps=20, val_log_step=10, log_dir=tmp_path).practice()
    newest = tmp_path / "step-20.safetensors"
    newest.write_bytes(newest.read_bytes()[:-100])

    kid = make_kid().restore(tmp_path)

    assert int(kid.clock) == 10


def test_a_flipped_bit_is_found(make_kid, tmp_path):
    kid = make_kid()
    kid.setup()
    data = bytearray(checkpoint.dump(kid))
    data[-50] ^= 1

    with pytest.raises(CheckpointError, match="its checksum does not fit"):
        checkpoint.load(kid, bytes(data))


def test_what_is_no_checkpoint_is_refused(make_kid):
    with pytest.raises(CheckpointError, match="This is no checkpoint, or a torn one"):
        make_kid().restore(b"hello")


def test_a_folder_without_checkpoints_is_named(make_kid, tmp_path):
    with pytest.raises(CheckpointError, match="There is no checkpoint in"):
        make_kid().restore(tmp_path)


def test_a_checkpoint_of_another_brain_is_refused(make_kid, tmp_path):
    from akidlab import Brain, InnerProductLayer, SoftmaxWithLossLayer

    other = Brain(name="other")
    other.attach(
        InnerProductLayer(out_channel_num=10, name="alone"),
        SoftmaxWithLossLayer(
            class_num=10, name="loss", inputs=[{"name": "alone"}, {"name": "system_in", "idxs": [1]}]
        ),
    )
    kid = make_kid(brain=other)
    kid.setup()

    with pytest.raises(CheckpointError, match=r"checkpoint has `alone`. Only this brain has `ip1`, `ip2`"):
        make_kid().restore(checkpoint.dump(kid))


def test_a_checkpoint_of_another_kongfu_is_refused(make_kid):
    kid = make_kid(kongfu=AdamKongFu(lr=0.01), max_steps=1)
    kid.practice()

    with pytest.raises(CheckpointError, match="The checkpoint belongs to another kongfu than MomentumKongFu"):
        make_kid().restore(checkpoint.dump(kid))


def test_the_last_five_and_the_best_are_kept(make_kid, tmp_path):
    kid = make_kid(max_steps=40, val_log_step=5, log_dir=tmp_path, keep={"last": 5, "files": 6})
    kid.hooks.on_batch_begin.append(lambda k: k.kongfu.set_lr(0.05 if k.step < 10 else -0.0))

    kid.practice()

    kept = {f"step-{step}.safetensors" for step in (10, 20, 25, 30, 35, 40)}
    assert {path.name for path in tmp_path.iterdir()} == {"best.safetensors", *kept}
    assert int(make_kid().restore(tmp_path / "best.safetensors").clock) == 10


def test_a_kid_that_went_back_does_not_lose_what_it_writes(make_kid, tmp_path):
    make_kid(max_steps=70, val_log_step=10, log_dir=tmp_path).practice()
    kid = make_kid(max_steps=35, val_log_step=10, log_dir=tmp_path)

    kid.restore(tmp_path / "step-30.safetensors")
    kid.practice()

    assert int(make_kid().restore(tmp_path).clock) == 35


def test_a_checkpoint_holds_neither_activations_nor_samples(make_kid, tmp_path):  # akid's held both
    kid = make_kid(max_steps=3, log_dir=tmp_path)
    kid.practice()

    with safe_open(tmp_path / "step-3.safetensors", "pt") as file:
        names = set(file.keys())
    stems = {".".join(name.split(".")[:-1]) if name.startswith("optimizer") else name for name in names}

    assert {name for name in stems if name.startswith("brain")} == {
        f"brain.{ip}.{part}" for ip in ("ip1", "ip2") for part in ("weight", "bias")
    }
    assert {name.split(".")[0] for name in names} == {"brain", "optimizer", "random"}


def test_a_checkpoint_is_read_without_running_code(make_kid, tmp_path):
    kid = make_kid(max_steps=3, log_dir=tmp_path)
    kid.practice()

    with safe_open(tmp_path / "step-3.safetensors", "pt") as file:
        facts = json.loads(file.metadata()["akidlab"])

    assert (facts["step"], facts["sensor"]["seed"], facts["kongfu"]["lr"]) == (3, 3, 0.05)


def test_nothing_half_written_stays(make_kid, tmp_path):
    make_kid(log_dir=tmp_path).practice()

    assert [
        p.name for p in tmp_path.iterdir() if not p.name.endswith(".safetensors") or p.name.startswith(".")
    ] == []


def test_a_checkpoint_that_cannot_be_written_does_not_end_training(make_kid, listen, tmp_path):
    (tmp_path / "file").write_text("in the way")
    kid = make_kid(max_steps=10, log_dir=tmp_path / "file" / "folder")
    heard = listen(kid)

    kid.practice()

    assert int(kid.clock) == 10
    warning = next(
        m.data.data["text"] for m in heard.messages if m.topic == "event" and m.data.kind == "warning"
    )
    assert warning.startswith("The checkpoint of step 10 could not be written")


def test_no_checkpoint_is_written_when_none_is_wanted(make_kid, tmp_path):
    make_kid(log_dir=tmp_path, save_chk_point=False).practice()

    assert list(tmp_path.iterdir()) == []


def test_saving_without_a_folder_says_what_to_do(make_kid):
    with pytest.raises(ValueError, match=r"There is no folder for the checkpoint: give one, or"):
        make_kid().save()


def test_a_kid_is_not_pickled(make_kid):
    import pickle

    with pytest.raises(TypeError, match="A kid is not copied or pickled whole"):
        pickle.dumps(make_kid())


def test_the_last_step_can_be_the_best(make_kid, tmp_path):
    kid = make_kid(max_steps=20, val_log_step=10, log_dir=tmp_path)

    kid.practice()

    assert kid.best.step == 20
    assert int(make_kid().restore(tmp_path / "best.safetensors").clock) == 20


def test_a_checkpoint_that_does_not_fit_leaves_the_kid_as_it_was(make_kid, weights_of, tmp_path):
    make_kid(max_steps=3, log_dir=tmp_path).practice()
    kid = make_kid(brain=wider_brain(), max_steps=5)
    kid.practice()
    before, momentum = weights_of(kid).clone(), momentum_of(kid)

    with pytest.raises(CheckpointError, match=r"another brain. .*`ip2.weight` is .* there and .* here"):
        kid.restore(tmp_path)

    assert (weights_of(kid).equal(before), momentum_of(kid).equal(momentum)) == (True, True)
    assert (kid.step, kid.sensor.position) == (5, (3, 0, 500))


def test_gradients_flow_through_the_steps_before_a_checkpoint(make_kid, weights_of, tmp_path):
    whole = make_kid(brain=recurrent_brain(), max_steps=12)
    first = make_kid(brain=recurrent_brain(), max_steps=6, log_dir=tmp_path)
    second = make_kid(brain=recurrent_brain(), max_steps=12)
    whole.practice()
    first.practice()

    second.restore(tmp_path)
    second.practice()

    assert weights_of(second).equal(weights_of(whole))
    assert first.brain.state_dict().keys() == {
        *(f"{name}.{kind}" for name in ("ip1", "back", "ip2") for kind in ("weight", "bias")),
        "_memory.back",
    }  # the window holds batches, which do not belong there


def recurrent_brain() -> Brain:
    return Brain(name="small", bptt=3).attach(
        InnerProductLayer(out_channel_num=8, name="ip1"),
        MergeLayer(name="merge", inputs=[{"name": "ip1"}, {"name": "back"}]),
        ReLULayer(name="relu1"),
        InnerProductLayer(out_channel_num=8, name="back"),
        InnerProductLayer(out_channel_num=10, name="ip2"),
        SoftmaxWithLossLayer(name="loss", inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}]),
    )


def wider_brain() -> Brain:
    brain = Brain(name="small")
    return brain.attach(
        InnerProductLayer(out_channel_num=16, name="ip1"),
        ReLULayer(name="relu1"),
        InnerProductLayer(out_channel_num=12, name="ip2"),
        SoftmaxWithLossLayer(name="loss", inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}]),
    )


def momentum_of(kid) -> torch.Tensor:
    slots = kid.optimizer.state_dict()["state"].values()
    return torch.cat([slot["momentum_buffer"].flatten().clone() for slot in slots])
