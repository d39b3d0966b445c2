"""The guard of a kid: a step that is not finite is not made, and its block is named."""

from __future__ import annotations

import logging
import threading

import pytest
import torch
from torch import nn

from akidlab import (
    BatchNormalizationLayer,
    Block,
    Brain,
    GradientDescentKongFu,
    InnerProductLayer,
    ReLULayer,
    SoftmaxWithLossLayer,
    TorchLayer,
)
from akidlab.engines.single import SingleEngine
from akidlab.errors import NotFiniteError, UnknownNameError
from akidlab.guards.finding import Finding
from akidlab.kids.guarding import Guarding, NotFinite, Watch
from tests.patience import PATIENCE, until

BAD = 6  # the step that goes wrong


class Fails(Block):
    """Works until its pass number `at`, then does something that it should not."""

    NAME = "fails"

    def __init__(self, how, at=BAD, times=1, **kwargs):
        super().__init__(**kwargs)
        self.how, self.at, self.times, self.passes = how, at, times, 0

    def forward(self, signal):
        if not self.training or not signal.requires_grad:
            return signal
        self.passes += 1
        return self.how(signal) if self.at <= self.passes < self.at + self.times else signal


def failing(how, **options):
    brain = Brain(name="failing").attach(
        InnerProductLayer(out_channel_num=16, name="ip1"),
        ReLULayer(name="relu1"),
        Fails(how, name="odd", **options),
        InnerProductLayer(out_channel_num=10, name="ip2"),
    )
    reads = [{"name": "ip2"}, {"name": "system_in", "idxs": [1]}]
    return brain.attach(SoftmaxWithLossLayer(10, name="loss", inputs=reads))


def log_of_zero(signal):
    return (signal * 0).log()


def root_of_zero(signal):
    return signal + 0 * (signal.abs() * 0).sqrt()


def nothing(signal):
    return signal


def guards(heard):
    return [m.data.data for m in heard.messages if m.topic == "event" and m.data.kind == "guard"]


@pytest.fixture
def failed(make_kid, listen, caplog):
    """Makes a kid whose sixth pass fails, has it practise, and gives what it said."""

    def make(how, **options):
        caplog.set_level(logging.CRITICAL)
        times = options.pop("times", 100)  # the pass is done again to see what it did
        kid = make_kid(brain=failing(how, times=times), **{"skip_validation": True, **options})
        heard = listen(kid)
        kid.practice()
        return kid, heard

    return make


def test_a_loss_that_is_not_finite_stops_the_run_at_its_step(failed, make_kid, weights_of):
    kid, heard = failed(log_of_zero)
    healthy = make_kid(brain=failing(nothing), max_steps=BAD - 1, skip_validation=True)
    healthy.practice()

    assert int(kid.clock) == BAD - 1
    assert weights_of(kid).equal(weights_of(healthy))
    assert heard.statuses()[-1] == "stopped"
    assert heard.events("guard") == [("guard", BAD)]


def test_the_block_and_the_reason_are_named(failed):
    _, heard = failed(log_of_zero)

    (told,) = guards(heard)
    assert (told["finding"], told["block"]) == ("activation_not_finite", "odd")
    assert told["text"].startswith("The loss is NaN at step 6. `odd` is the first whose output is not finite")
    assert "logarithm of 1,600 values that are 0" in told["text"]
    assert told["text"].endswith("The weights are as the step before left them; this step was not made.")


def test_a_gradient_that_is_not_finite_stops_the_run_too(failed):
    kid, heard = failed(root_of_zero)

    (told,) = guards(heard)
    assert (int(kid.clock), told["finding"], told["block"]) == (BAD - 1, "gradient_not_finite", "odd")
    assert "square root of 1,600 values that are 0, where its slope is infinite" in told["text"]
    assert all(torch.isfinite(p).all() for p in kid.brain.parameters())


def test_the_run_tells_why_it_stopped(failed):
    kid, _ = failed(log_of_zero, record=True)

    assert kid.run.status == "stopped"
    assert "`odd` is the first whose output is not finite" in kid.run.error


@pytest.mark.parametrize(("shown", "level"), [(False, logging.WARNING), (True, logging.INFO)])
def test_what_a_dashboard_shows_is_logged_without_a_warning(make_kid, listen, caplog, shown, level):
    caplog.set_level(logging.INFO, "akidlab")
    kid = make_kid(brain=failing(log_of_zero, times=100), skip_validation=True)
    heard, kid.shown = listen(kid), shown

    kid.practice()

    said = [record for record in caplog.records if record.name == "akidlab.kids.guarding"]
    assert [(record.levelno, record.getMessage()) for record in said] == [(level, guards(heard)[0]["text"])]


def test_a_checkpoint_of_the_last_good_step_is_kept(failed, make_kid, weights_of, tmp_path):
    kid, _ = failed(log_of_zero, log_dir=tmp_path)
    other = make_kid(brain=failing(nothing), log_dir=tmp_path)
    other.restore()

    assert int(other.clock) == BAD - 1
    assert weights_of(other).equal(weights_of(kid))


def test_a_stopped_kid_can_go_on(failed):
    kid, _ = failed(log_of_zero)
    kid.brain["odd"].how = nothing
    kid.max_steps = 20

    kid.practice()

    assert int(kid.clock) == 20


def test_a_paused_kid_goes_on_with_the_next_batch_when_resumed(make_kid, listen, caplog):
    caplog.set_level(logging.CRITICAL)
    kid = make_kid(brain=failing(log_of_zero, times=2), guard="pause", skip_validation=True)
    heard = listen(kid)
    thread = threading.Thread(target=kid.practice, daemon=True)
    thread.start()
    until(lambda: "paused" in heard.statuses())
    assert int(kid.clock) == BAD - 1
    kid.controls.send("rate", 0.01)
    kid.controls.send("resume")
    thread.join(PATIENCE)

    assert int(kid.clock) == 20
    assert heard.events("guard", "rate") == [("guard", BAD), ("rate", BAD - 1)]
    assert sorted(heard.samples("loss")) == list(range(1, 21))
    assert kid.sensor.position[1:] == (1, 600)  # 21 batches: one was passed over


def test_a_kid_that_only_warns_makes_the_step(failed):
    kid, heard = failed(log_of_zero, guard="warn")

    (warning,) = heard.warnings()
    assert int(kid.clock) == 20
    assert warning.endswith("Training goes on: `guard='stop'` would have ended it.")
    assert guards(heard) == []


def test_a_kid_without_a_guard_makes_the_steps_and_only_the_loss_tells(failed):
    kid, heard = failed(root_of_zero, guard="off")

    assert int(kid.clock) == 20
    assert heard.warnings()[0].startswith("The loss is not finite since step 7")


def test_data_that_are_not_finite_are_told_as_such(make_kid, listen):
    kid = make_kid(skip_validation=True)
    heard = listen(kid)
    kid.setup()
    inner = kid.sensor.next

    def spoilt():
        batch = inner()
        if kid.step == 3:
            batch[0][7, 0, 2, 5] = torch.nan
        return batch

    kid.sensor.next = spoilt
    kid.practice()

    (told,) = guards(heard)
    assert (told["finding"], told["block"], told["step"]) == ("data_not_finite", "system_in", 4)
    assert "holds 1 NaN among 6,400 numbers, in `system_in`, first in its sample 8" in told["text"]


def test_weights_that_were_spoilt_before_are_not_saved(make_kid, listen, tmp_path):
    kid = make_kid(skip_validation=True, log_dir=tmp_path, val_log_step=3, log_by_step=True)
    heard = listen(kid)

    def spoil(k):
        if k.step == 4:
            k.brain["ip2"].weight.data[0, 0] = torch.inf

    kid.hooks.on_batch_begin.append(spoil)
    kid.practice()

    (told,) = guards(heard)
    assert (told["finding"], told["block"]) == ("weights_not_finite", "ip2")
    assert [path.name for path in tmp_path.glob("step-*")] == ["step-3.safetensors"]
    path = str(tmp_path / "step-3.safetensors")
    assert "These weights cannot go on. To go on from step 3" in told["text"]
    assert told["text"].endswith(f"its last good checkpoint: `kid.restore({path!r})`.")


def test_too_large_a_rate_is_told_as_such(make_kid, listen):
    brain = Brain(name="linear").attach(InnerProductLayer(out_channel_num=1, name="ip"), Square(name="loss"))
    kid = make_kid(brain=brain, kongfu=GradientDescentKongFu(lr=1000.0), skip_validation=True, max_steps=60)
    heard = listen(kid)

    kid.practice()

    (told,) = guards(heard)
    assert "the learning rate is too large (it is 1000): divide it by 10" in told["text"]
    assert "The loss rose from" in told["text"]


def test_a_rate_that_spoils_the_very_first_steps_is_not_taken_for_bad_initial_weights(make_kid, listen):
    kid = make_kid(kongfu=GradientDescentKongFu(lr=1e20), skip_validation=True)
    heard = listen(kid)

    kid.practice()

    (told,) = guards(heard)
    assert told["step"] == 2
    assert "times as large as before step 1: the learning rate is too large (it is 1e+20)" in told["text"]
    assert "initial weights" not in told["text"]


def test_weights_that_a_new_rate_spoils_are_told_to_have_grown_since(make_kid, listen, tmp_path):
    kid = make_kid(skip_validation=True, log_dir=tmp_path, log_by_step=True, val_log_step=4)
    heard = listen(kid)
    kid.hooks.on_batch_end.append(lambda kid: kid.controls.send("rate", 1e20) if kid.step == 9 else None)

    kid.practice()

    (told,) = guards(heard)
    assert "times as large as before step 10: the learning rate is too large (it is 1e+20)" in told["text"]
    path = str(tmp_path / "step-8.safetensors")
    assert told["text"].endswith(f"To go on from step 8, its last good checkpoint: `kid.restore({path!r})`.")


def test_a_checkpoint_from_after_the_loss_rose_is_not_called_good(make_kid, listen, tmp_path):
    brain = failing(log_of_zero, at=11, times=100)
    kid = make_kid(brain=brain, skip_validation=True, log_dir=tmp_path, val_log_step=3)
    heard = listen(kid)

    def rise(kid):  # the loss of step 8 is a large one
        if kid.step == 7:
            kid.brain["ip2"].weight.data.mul_(1e3)

    kid.hooks.on_batch_begin.append(rise)
    kid.practice()

    (told,) = guards(heard)
    assert told["step"] == 11
    assert "The loss rose from" in told["text"]
    assert "step-6.safetensors" in told["text"]


def test_in_a_pause_a_kid_goes_back_as_it_was_told_and_on(make_kid, listen, tmp_path):
    kid = make_kid(
        brain=failing(log_of_zero, at=9, times=2), guard="pause", skip_validation=True, log_dir=tmp_path,
        val_log_step=3,
    )  # fmt: skip
    heard = listen(kid)
    thread = threading.Thread(target=kid.practice, daemon=True)
    thread.start()
    until(lambda: "paused" in heard.statuses())
    call = guards(heard)[0]["text"].split("`")[-2]
    kid.brain["odd"].how = nothing
    eval(call)
    went_back = kid.step
    kid.controls.send("resume")
    thread.join(PATIENCE)

    assert (went_back, kid.step) == (6, 20)
    assert sorted(heard.samples("loss")) == list(range(1, 21))


class Square(Block):
    """A loss without a bottom in sight."""

    def forward(self, signal):
        return signal.square().mean()

    @property
    def loss(self):
        return self.data


def test_running_statistics_that_a_bad_batch_spoilt_are_put_back(make_kid, listen):
    brain = Brain(name="normalised").attach(
        InnerProductLayer(out_channel_num=8, name="ip1"),
        Fails(lambda x: x * torch.nan, name="odd", times=100),
        BatchNormalizationLayer(name="bn1"),
        InnerProductLayer(out_channel_num=10, name="ip2"),
        SoftmaxWithLossLayer(10, name="loss", inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}]),
    )
    kid = make_kid(brain=brain, skip_validation=True)

    kid.practice()

    assert int(kid.clock) == BAD - 1
    assert all(torch.isfinite(buffer).all() for buffer in kid.brain.buffers())


@pytest.mark.parametrize("options", [{"accumulate": 2}, {"precision": "bf16"}, {"clip_norm": 1.0}])
@pytest.mark.parametrize("how", [log_of_zero, root_of_zero])
def test_every_kind_of_step_is_guarded(failed, how, options):
    kid, heard = failed(how, **options)

    (told,) = guards(heard)
    assert (told["block"], int(kid.clock) + 1) == ("odd", told["step"])
    assert all(torch.isfinite(p).all() for p in kid.brain.parameters())


def test_a_compiled_brain_is_guarded(failed):
    kid, heard = failed(log_of_zero, compile={"backend": "eager"})

    assert (guards(heard)[0]["block"], int(kid.clock)) == ("odd", BAD - 1)


def test_an_error_that_somebody_else_found_ends_the_run(make_kid, listen):
    kid = make_kid(skip_validation=True)
    heard = listen(kid)

    def find(k):
        if k.step == 3:
            Finding("activation_not_finite", "ip1", 4, "`ip1` emits a NaN.", "error").publish(k.bus)

    kid.hooks.on_batch_begin.append(find)
    kid.practice()

    assert (int(kid.clock), heard.statuses()[-1]) == (3, "stopped")
    assert [told["text"] for told in guards(heard)] == ["`ip1` emits a NaN."]


def test_a_single_step_raises(make_kid, weights_of):
    kid = make_kid(brain=failing(log_of_zero, at=1, times=100))
    kid.setup()
    before = weights_of(kid)

    with pytest.raises(NotFiniteError, match=r"The loss is NaN at step 1. `odd` is the first"):
        kid.run_step()
    assert weights_of(kid).equal(before)


def test_where_nobody_waits_the_step_is_left_out_and_told_one_later(make_kid, weights_of):
    """As on an accelerator, where reading the loss would hold up the next step."""
    kid = make_kid(brain=failing(log_of_zero, at=1, times=100))
    kid.setup()
    watch, before = Watch(Guarding(kid), lagging=True), weights_of(kid)

    def update():
        batch = kid.sensor.next()
        loss = kid.objective(batch)
        loss.backward()
        watch.before(loss, [batch])
        kid.optimizer.step()
        watch.after(loss, [batch])
        kid.step += 1

    update()
    with pytest.raises(NotFinite) as told:
        update()

    assert (told.value.step, told.value.what) == (1, "loss")
    assert weights_of(kid).equal(before)


class Moving(nn.Module):
    """Keeps a moving mean, which is another tensor after each pass."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))

    def forward(self, signal):
        self.mean = 0.9 * self.mean + 0.1
        return signal


def test_buffers_may_be_other_tensors_after_a_step(make_kid):
    brain = failing(nothing)
    kid = make_kid(brain=brain.insert_after("relu1", TorchLayer(Moving(), name="moving")) and brain)

    kid.practice()

    assert kid.step == kid.max_steps


def edited_in_a_pause(kid, heard, change):
    """Has it practise, pause, be edited, and go on."""
    pause = lambda kid: kid.controls.send("pause") if kid.step == 3 else None  # noqa: E731
    kid.hooks.on_batch_end.append(pause)
    thread = threading.Thread(target=kid.practice, daemon=True)
    thread.start()
    until(lambda: "paused" in heard.statuses())
    kid.hooks.on_batch_end.remove(pause)
    kid.edit(change)
    kid.controls.send("resume")
    thread.join(PATIENCE)


def test_what_is_put_in_while_it_is_paused_is_guarded(make_kid, listen):
    kid = make_kid(skip_validation=True)
    heard = listen(kid)

    def change(brain):
        brain.insert_after("relu1", InnerProductLayer(out_channel_num=8, name="new"))

    def spoil(kid):
        if kid.step == 5:
            kid.brain["new"].bias.register_hook(lambda gradient: gradient * torch.nan)

    kid.hooks.on_batch_begin.append(spoil)
    edited_in_a_pause(kid, heard, change)

    (told,) = guards(heard)
    assert (told["step"], told["block"]) == (6, "new")
    assert all(torch.isfinite(p).all() for p in kid.brain.parameters())


def test_running_statistics_that_are_put_in_while_it_is_paused_are_put_back(make_kid, listen):
    kid = make_kid(skip_validation=True)
    heard = listen(kid)

    def change(brain):
        brain.insert_after("ip1", Fails(lambda x: x * torch.nan, name="odd", at=1, times=2))
        brain.insert_after("odd", BatchNormalizationLayer(name="bn1"))

    edited_in_a_pause(kid, heard, change)

    assert [told["block"] for told in guards(heard)] == ["odd"]
    assert all(torch.isfinite(buffer).all() for buffer in kid.brain.buffers())


class TwoRanks(SingleEngine):
    """Rank 0 of two; at step 4 the other one has a gradient that is not finite, and says where."""

    size, made = 2, 0

    def average(self, gradients, loss, flag):
        self.made += 1
        if self.made == 4:
            gradients[0][0] = torch.inf
        return loss, flag

    def gather(self, value):
        if isinstance(value, tuple) and value and value[0].endswith("_not_finite"):
            return [value, ("gradient_not_finite", "ip2", 4, "It arose in `ip2`.", "error", None)]
        return [value, value]


def test_ranks_stop_at_the_same_step_and_the_one_that_knows_tells(make_kid, listen):
    kid = make_kid(engine=TwoRanks(device="cpu"), skip_validation=True)
    heard = listen(kid)

    kid.practice()

    (told,) = guards(heard)
    assert (int(kid.clock), told["block"]) == (3, "ip2")
    assert told["text"] == "It arose in `ip2`. It was found on rank 1."


class Alone(SingleEngine):
    """Rank 0 of two; what it says of the loss is all that the other one hears."""

    size = 2

    def __init__(self):
        super().__init__(device="cpu")
        self.said = []

    def average(self, gradients, loss, flag):
        self.said.append(float(loss))
        return loss, flag

    def gather(self, value):
        return [value, ("loss_not_finite", None, *value[2:])]


@pytest.mark.parametrize(("guard", "made"), [("stop", 3), ("warn", 6)])
def test_what_one_rank_hears_of_is_told_to_all_before_any_stops(make_kid, listen, guard, made):
    kid = make_kid(engine=Alone(), skip_validation=True, guard=guard, max_steps=6)
    finding = Finding("activation_not_finite", "ip1", 3, "`ip1` emits NaN.", "error")
    kid.hooks.on_batch_end.append(lambda kid: finding.publish(kid.bus) if kid.step == 3 else None)
    heard = listen(kid)

    kid.practice()

    assert kid.step == made
    assert [loss == loss for loss in kid.engine.said] == [True] * made + [False] * (made == 3)
    assert [told["block"] for told in guards(heard)] == ["ip1"]


def test_a_guard_has_a_name(make_kid):
    with pytest.raises(UnknownNameError, match=r"no guard `halt`. .*Known: stop, pause, warn, off"):
        make_kid(guard="halt")
