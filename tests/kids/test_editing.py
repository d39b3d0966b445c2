"""Brains that change while their kid learns."""

from __future__ import annotations

import threading

import pytest
import torch

from akidlab import (
    AdamKongFu,
    Block,
    Brain,
    DropoutLayer,
    InnerProductLayer,
    ReLULayer,
    SoftmaxWithLossLayer,
    runs,
)
from akidlab.errors import KindError
from tests.patience import PATIENCE, until

LABELS = {"name": "system_in", "idxs": [1]}


def deepen(brain: Brain) -> None:
    brain.insert_after("relu1", InnerProductLayer(out_channel_num=16, name="mid"), ReLULayer(name="relu2"))


def widen(brain: Brain) -> None:
    brain.replace("ip1", InnerProductLayer(out_channel_num=24))


@pytest.fixture
def paused(make_kid, listen):
    """A kid that waits in a pause after some steps, and the thread that trains it."""
    kid = make_kid(max_steps=60, val_log_step=20, train_log_step=10, kongfu=AdamKongFu())
    kid.heard = listen(kid)
    kid.hooks.on_batch_end.append(lambda k: k.controls.send("pause") if k.step == 5 else None)
    thread = threading.Thread(target=kid.practice, daemon=True)
    thread.start()
    until(lambda: "paused" in kid.heard.statuses())
    yield kid, thread
    kid.controls.send("stop")
    thread.join(PATIENCE)


def test_a_kid_in_pause_accepts_an_edit_and_goes_on(paused):
    kid, thread = paused

    edit = kid.edit(deepen)

    assert edit.acts == ("inserted `mid`, `relu2` after `relu1`",)
    assert kid.step == 5
    kid.controls.send("resume")
    thread.join(PATIENCE)
    assert kid.step == 60
    assert kid.loss < 2.2
    assert kid.heard.events("edit") == [("edit", 5)]


def test_the_optimiser_follows(paused):
    kid, thread = paused
    kept, gone = kid.brain["ip2"].bias, kid.brain["ip1"].weight
    moment = kid.optimizer.state[kept]["exp_avg"]

    kid.edit(widen)

    assert kid.optimizer.state[kept]["exp_avg"] is moment
    assert float(kid.optimizer.state[kept]["step"]) == 5
    assert gone not in kid.optimizer.state
    held = {id(p) for group in kid.optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for p in kid.brain.parameters()}
    before = kid.brain["ip1"].weight.clone()
    kid.controls.send("resume")
    thread.join(PATIENCE)
    assert not torch.equal(kid.brain["ip1"].weight, before)
    assert float(kid.optimizer.state[kept]["step"]) == 60
    assert float(kid.optimizer.state[kid.brain["ip1"].weight]["step"]) == 55


def test_an_edit_that_cannot_work_leaves_a_kid_in_pause_as_it_was(paused, weights_of):
    kid, thread = paused
    before, optimizer = weights_of(kid), kid.optimizer

    with pytest.raises(ValueError, match="`loss` wants logits of N×10, found"):
        kid.edit(lambda brain: brain.replace("ip2", InnerProductLayer(out_channel_num=3)))
    with pytest.raises(ValueError, match="`small` would have no loss to minimise"):
        kid.edit(lambda brain: brain.remove("loss"))
    with pytest.raises(ValueError, match="`loss` reads element 4 of `system_in`, which was given 2"):
        kid.edit(lambda brain: brain.rewire("loss", [{"name": "ip2"}, {"name": "system_in", "idxs": [4]}]))

    assert torch.equal(weights_of(kid), before)
    assert kid.optimizer is optimizer
    assert kid.brain.edits == []
    kid.controls.send("resume")
    thread.join(PATIENCE)
    assert kid.step == 60


def test_a_brain_that_was_edited_directly_in_a_pause_is_noticed(paused):
    kid, thread = paused

    deepen(kid.brain)

    kid.controls.send("resume")
    thread.join(PATIENCE)
    assert kid.heard.events("edit") == [("edit", 5)]
    assert kid.brain["mid"].weight in kid.optimizer.state


def test_a_kid_that_practises_changes_between_two_steps(make_kid):
    kid = make_kid(max_steps=10**9)
    thread = threading.Thread(target=kid.practice, daemon=True)
    thread.start()
    until(lambda: kid.practising and kid.step > 3)

    kid.edit(deepen)

    at = kid.step
    until(lambda: kid.step > at + 3)
    kid.controls.send("stop")
    thread.join(PATIENCE)
    assert kid.exception is None


def test_a_change_that_is_no_function_is_refused(make_kid):
    with pytest.raises(KindError, match=r"`change` is a function that is given the brain, found 3\."):
        make_kid().edit(3)


@pytest.mark.parametrize(
    "hook", ["on_batch_begin", "on_batch_end", "on_val_log_step", "on_training_log_step"]
)
def test_a_hook_may_edit(make_kid, hook):
    kid = make_kid(max_steps=20, val_log_step=5, train_log_step=5, validate_first=False)
    getattr(kid.hooks, hook).append(lambda k: k.edit(deepen) if k.step >= 5 and "mid" not in k.brain else 0)

    kid.practice()

    assert kid.brain["mid"].weight in kid.optimizer.state


def test_the_same_edit_at_the_same_step_gives_the_same_trajectory(make_kid, weights_of):
    def trained(disturb):
        kid = make_kid(max_steps=20, val_log_step=10, dropout=0.2)
        kid.hooks.on_batch_end.append(lambda k: k.edit(deepen) if k.step == 7 else None)
        torch.manual_seed(disturb)
        kid.practice()
        return weights_of(kid)

    assert torch.equal(trained(0), trained(1))


def test_an_edit_without_parameters_draws_no_random_numbers(make_kid, weights_of):
    def trained(edit):
        kid = make_kid(max_steps=20, dropout=0.2)
        kid.hooks.on_batch_end.append(lambda k: edit(k) if k.step == 7 else None)
        kid.practice()
        return weights_of(kid)

    def there_and_back(kid):
        kid.edit(lambda brain: brain.insert_after("ip1", ReLULayer(name="extra")))
        kid.edit(lambda brain: brain.remove("extra"))

    assert torch.equal(trained(there_and_back), trained(lambda kid: None))


def test_a_checkpoint_taken_after_an_edit_goes_on_bit_for_bit(make_kid, weights_of, tmp_path):
    kid = make_kid(max_steps=10, dropout=0.2, kongfu=AdamKongFu())
    kid.hooks.on_batch_end.append(lambda k: k.edit(deepen) if k.step == 4 else None)
    kid.practice()
    path = kid.save(tmp_path)
    kid.max_steps = 20
    kid.practice()

    fresh = make_kid(max_steps=20, dropout=0.2, kongfu=AdamKongFu())
    fresh.edit(deepen)
    fresh.restore(path)
    fresh.practice()

    assert torch.equal(weights_of(fresh), weights_of(kid))


def test_a_checkpoint_of_the_brain_before_is_refused(make_kid, tmp_path):
    kid = make_kid(max_steps=5)
    kid.practice()
    path = kid.save(tmp_path)

    kid.edit(deepen)

    with pytest.raises(
        ValueError, match=r"after these edits: none\. This brain has had: small: inserted `mid`"
    ):
        kid.restore(path)


def test_a_kid_that_stops_in_the_pause_saves_the_edited_brain(paused, tmp_path):
    kid, _ = paused
    kid.folder = tmp_path
    kid.save()
    kid.edit(deepen)

    kid.save()

    other = kid.brain.get_clone()
    kid.restore(tmp_path)
    assert other.state_dict().keys() == kid.brain.state_dict().keys()


def test_an_edit_is_an_event_of_the_run(make_kid):
    kid = make_kid(max_steps=10, record=True)
    kid.hooks.on_batch_end.append(lambda k: k.edit(widen) if k.step == 3 else None)

    kid.practice()

    (event,) = [event for event in runs()[kid.run.name].events() if event.kind == "edit"]
    assert event.step == 3
    assert "small: replaced `ip1` by an InnerProductLayer" in str(event)
    assert "ip1.weight 16×64 → 24×64" in str(event)


def test_a_block_that_asks_for_updates_is_told_after_an_edit(make_kid):
    told = []

    class Curious(Block):
        NAME = "curious"

        def forward(self, signal):
            return signal

        def _on_para_update(self):
            told.append(1)

    kid = make_kid(max_steps=10)
    block = Curious(name="curious", call_on_update=True)
    kid.hooks.on_batch_end.append(
        lambda k: k.edit(lambda b: b.insert_after("ip1", block)) if k.step == 4 else None
    )
    kid.practice()

    assert len(told) == 6


def test_a_compiled_kid_computes_the_edited_brain(make_kid):
    kid = make_kid(max_steps=6, compile={"backend": "eager"}, skip_validation=True)
    kid.hooks.on_batch_end.append(lambda k: k.edit(deepen) if k.step == 3 else None)

    kid.practice()

    assert kid.brain["mid"].weight.grad is not None


def test_the_data_parallel_engine_follows(make_kid):
    kid = make_kid(max_steps=6, engine={"name": "data_parallel", "devices": ["cpu", "cpu"]})
    kid.hooks.on_batch_end.append(lambda k: k.edit(widen) if k.step == 3 else None)

    kid.practice()

    assert kid.brain["ip2"].weight.shape == (10, 24)
    assert kid.brain["ip1"].weight.grad is not None


def test_a_new_head_judges_along(make_kid):
    kid = make_kid(max_steps=10)

    kid.edit(
        lambda brain: brain.attach(
            DropoutLayer(keep_prob=0.9, name="drop", inputs=[{"name": "relu1"}]),
            InnerProductLayer(out_channel_num=10, name="side"),
            SoftmaxWithLossLayer(10, name="loss2", inputs=[{"name": "side"}, LABELS], multiplier=0.3),
        )
    )
    kid.practice()

    assert set(kid.brain.losses) == {"loss", "loss2"}
    assert set(kid.evals) == {"loss_accuracy", "loss2_accuracy"}
