"""Practice: akid's clock, its hooks and events, commands while it runs, and how it ends."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from itertools import pairwise

import pytest
import torch

from akidlab import DoneEvent, EarlyStoppingEvent
from akidlab.errors import DispatchError
from akidlab.kids import checkpoint
from akidlab.messages import Command
from tests.patience import PATIENCE, until


def test_the_clock_turns_as_akids_does(make_kid):
    kid, trace = make_kid(max_steps=20, train_log_step=5, val_log_step=10), []
    kid.hooks.on_val_log_step.append(lambda k: trace.append(("val", int(k.clock))))
    kid.hooks.on_train_begin.append(lambda k: trace.append(("begin", int(k.clock))))
    kid.hooks.on_train_log_step.append(lambda k: trace.append(("train", int(k.clock))))

    kid.practice()

    assert trace == [
        ("val", 0), ("begin", 0), ("train", 5), ("train", 10), ("val", 10), ("train", 15), ("train", 20),
        ("val", 20),
    ]  # fmt: skip
    assert (len(kid.loss_data_train), len(kid.loss_data_val)) == (4, 3)


def test_an_epoch_that_ends_is_counted_before_it_is_validated(make_kid):
    kid, trace = make_kid(max_epoch=1, log_by_step=False, log_by_epoch=True), []
    kid.hooks.on_val_log_step.append(lambda k: trace.append(("val", int(k.clock))))
    kid.hooks.on_epoch_end.append(lambda k: trace.append(("epoch", k.epoch, int(k.clock))))

    kid.practice()

    assert trace == [("val", 0), ("epoch", 1, 15), ("val", 15)]


def test_hooks_surround_every_step(make_kid):
    kid, trace = make_kid(max_steps=2, skip_validation=True), []
    for name in ("on_train_begin", "on_batch_begin", "on_batch_end", "on_train_end"):
        getattr(kid.hooks, name).append(lambda k, name=name: trace.append((name, int(k.clock))))

    kid.practice()

    assert trace == [
        ("on_train_begin", 0),
        ("on_batch_begin", 0),
        ("on_batch_end", 1),
        ("on_batch_begin", 1),
        ("on_batch_end", 2),
        ("on_train_end", 2),
    ]


def test_practice_returns_the_validation_loss(make_kid):
    kid = make_kid(max_steps=60)

    loss = kid.practice()

    assert loss == kid.loss == kid.loss_data_val[-1] < 1
    assert kid.evals["accuracy"] > 0.8


def test_practice_returns_the_evaluations_too_when_asked(make_kid):
    kid = make_kid()

    assert kid.practice(return_eval=True) == (kid.loss, kid.evals)


def test_every_step_tells_its_loss_once(make_kid, listen):
    kid = make_kid(max_steps=50)
    heard = listen(kid)
    wanted = []
    kid.hooks.on_batch_end.append(lambda k: wanted.append(k.brain.loss.item()))

    kid.practice()

    assert heard.samples("loss") == pytest.approx(dict(enumerate(wanted, start=1)))


def test_the_first_step_is_told_at_once(make_kid, listen):
    kid = make_kid(max_steps=3, skip_validation=True)
    heard = listen(kid)

    kid.practice()

    first = next(m for m in heard.messages if m.topic == "loss")
    assert list(first.data.steps) == [1]
    assert heard.events("first_step") == [("first_step", 1)]


def test_a_run_tells_what_happens_in_order(make_kid, listen):
    kid = make_kid(max_steps=20, val_log_step=10)
    heard = listen(kid)

    kid.practice()

    assert heard.events() == [
        ("started", 0),
        ("graph", 0),
        ("validation", 0),
        ("first_step", 1),
        ("validation", 10),
        ("epoch", 15),
        ("validation", 20),
        ("finished", 20),
    ]
    assert (heard.statuses()[0], heard.statuses()[-1]) == ("running", "finished")
    assert set(heard.samples("validation_loss")) == set(heard.samples("validation_accuracy")) == {0, 10, 20}


def test_times_of_losses_ascend(make_kid, listen):
    kid = make_kid(max_steps=30)
    heard = listen(kid)
    before = time.time()

    kid.practice()

    times = [t for m in heard.messages if m.topic == "loss" for t in m.data.times]
    assert all(a <= b for a, b in pairwise([before, *times, time.time()]))


def test_one_seed_gives_one_trajectory(make_kid, weights_of):
    kids = [make_kid(seed=seed, dropout=0.3) for seed in (7, 7, 8)]
    for kid in kids:
        kid.practice()

    first, second, other = (weights_of(kid) for kid in kids)

    assert first.equal(second)
    assert not first.equal(other)


def test_practice_leaves_the_generators_of_the_notebook_alone(make_kid):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)

    make_kid(dropout=0.3).practice()

    assert torch.rand(3).equal(expected)


def test_practice_goes_on_where_it_ended(make_kid, weights_of):
    once, twice = make_kid(max_steps=20, dropout=0.3), make_kid(max_steps=9, dropout=0.3)
    once.practice()
    twice.practice()
    twice.max_steps = 20

    twice.practice()

    assert int(twice.clock) == 20
    assert weights_of(once).equal(weights_of(twice))


def test_validation_can_be_left_out(make_kid, listen):  # in akid, skip_validation crashed
    kid = make_kid(max_steps=10, val_log_step=5, skip_validation=True)
    heard = listen(kid)

    assert kid.practice() is None
    assert heard.events("validation") == []


def test_a_hook_stops_early_and_says_what_practice_returns(make_kid, listen):
    kid = make_kid(max_steps=100)
    heard = listen(kid)

    def stop(k):
        if int(k.clock) == 7:
            raise EarlyStoppingEvent(0.25, {"accuracy": 0.5})

    kid.hooks.on_batch_end.append(stop)

    assert kid.practice(return_eval=True) == (0.25, {"accuracy": 0.5})
    assert int(kid.clock) == 7
    assert heard.statuses()[-1] == "finished"


def test_an_early_stop_without_values_returns_those_of_a_validation(make_kid):
    kid = make_kid(max_steps=100)

    def stop(k):
        if int(k.clock) == 7:
            raise EarlyStoppingEvent

    kid.hooks.on_batch_end.append(stop)

    assert kid.practice() == kid.validate()[0]


def test_a_done_event_ends_practice_as_its_last_step_would(make_kid, listen):
    kid = make_kid(max_steps=100)
    heard = listen(kid)

    def done(k):
        if int(k.clock) == 5:
            raise DoneEvent

    kid.hooks.on_batch_begin.append(done)

    kid.practice()

    assert heard.events("validation")[-1] == ("validation", 5)


def test_a_kid_that_was_stopped_early_gets_new_patience_when_it_is_trained_again(make_kid, listen):
    kid = make_kid(max_steps=1000, val_log_step=5, early_stopping=3)
    kid.kongfu.set_lr(0.0)
    kid.practice()
    assert kid.step == 15
    heard = listen(kid)

    kid.practice()

    assert kid.step == 30
    assert [step for kind, step in heard.events("early_stop")] == [30]


def test_practice_ends_when_no_validation_has_been_better_for_a_while(make_kid):
    kid = make_kid(max_steps=1000, val_log_step=5, early_stopping=3)
    kid.hooks.on_batch_begin.append(lambda k: k.kongfu.set_lr(0.0 if int(k.clock) >= 10 else 0.05))

    kid.practice()

    assert (int(kid.clock), kid.best.step) == (25, 10)


def test_an_exception_leaves_and_the_kid_stays_usable(make_kid, listen):
    kid = make_kid(max_steps=20)
    heard, seen = listen(kid), []
    kid.hooks.on_exception.append(lambda k: seen.append(repr(k.exception)))

    def fail(k):
        if int(k.clock) == 5:
            raise RuntimeError("the cat bit the cable")

    kid.hooks.on_batch_begin.append(fail)

    with pytest.raises(RuntimeError, match="the cat bit the cable"):
        kid.practice()

    error = next(m.data for m in heard.messages if m.topic == "event" and m.data.kind == "error")
    assert "in fail" in error.data["traceback"]
    assert seen == ["RuntimeError('the cat bit the cable')"]
    assert heard.statuses()[-1] == "failed"
    kid.hooks.on_batch_begin.remove(fail)
    kid.practice()
    assert int(kid.clock) == 20


def test_a_loss_that_is_not_finite_is_told_where_nobody_guards(make_kid, listen):
    kid = make_kid(max_steps=5, skip_validation=True, guard="off")
    heard = listen(kid)

    def spoil(k):
        if int(k.clock) == 3:
            next(iter(k.brain.parameters())).data.fill_(math.nan)

    kid.hooks.on_batch_begin.append(spoil)

    kid.practice()

    warning = next(
        m.data.data["text"] for m in heard.messages if m.topic == "event" and m.data.kind == "warning"
    )
    assert warning.startswith("The loss is not finite since step 4")


# ------------------------------------------------------------------------------------------ commands


def in_thread(kid) -> threading.Thread:
    thread = threading.Thread(target=kid.practice, daemon=True)
    thread.start()
    return thread


def test_stop_ends_after_the_step_it_came_in(make_kid, listen):
    kid = make_kid(max_steps=10**9)
    heard = listen(kid)
    kid.hooks.on_batch_end.append(lambda k: k.controls.send(Command("stop", id="x")) if k.step == 6 else None)

    kid.practice()

    assert int(kid.clock) == 6
    assert heard.events("stop") == [("stop", 6)]
    assert heard.statuses()[-1] == "stopped"


def test_a_paused_kid_waits_and_goes_on(make_kid, listen, weights_of):
    kid, undisturbed = make_kid(max_steps=200, dropout=0.3), make_kid(max_steps=200, dropout=0.3)
    undisturbed.practice()
    heard = listen(kid)
    kid.controls.send("pause")

    thread = in_thread(kid)
    until(lambda: "paused" in heard.statuses())
    step = int(kid.clock)
    time.sleep(0.05)
    assert int(kid.clock) == step
    kid.controls.send("resume")
    thread.join(PATIENCE)

    assert int(kid.clock) == 200
    assert weights_of(kid).equal(weights_of(undisturbed))


def test_a_paused_kid_burns_no_processor(make_kid):
    kid, looks = make_kid(max_steps=200), []
    sleep = kid.controls.wait
    kid.controls.wait = lambda: looks.append("asleep") or sleep()
    kid.controls.send("pause")
    thread = in_thread(kid)
    until(lambda: looks)

    time.sleep(0.3)
    looked = len(looks)

    kid.controls.send("stop")
    thread.join(PATIENCE)
    assert looked == 1  # it sleeps until somebody calls


def test_single_steps_pause_again_after_so_many(make_kid, listen):
    kid = make_kid(max_steps=200)
    heard = listen(kid)
    kid.controls.send("pause")
    thread = in_thread(kid)
    until(lambda: heard.statuses().count("paused") == 1)

    kid.controls.send("step")
    until(lambda: heard.statuses().count("paused") == 2)
    after_one = int(kid.clock)
    kid.controls.send("step", 3)
    until(lambda: heard.statuses().count("paused") == 3)
    after_four = int(kid.clock)

    kid.controls.send("stop")
    thread.join(PATIENCE)
    assert (after_one, after_four) == (1, 4)


def test_steps_asked_for_at_once_are_all_made(make_kid, listen):
    kid = make_kid(max_steps=200)
    heard = listen(kid)
    for action in ("pause", "step", "step"):
        kid.controls.send(action)
    thread = in_thread(kid)
    until(lambda: "paused" in heard.statuses())
    made = int(kid.clock)

    kid.controls.send("stop")
    thread.join(PATIENCE)
    assert made == 2


def test_the_rate_changes_while_it_practises(make_kid, listen):
    kid = make_kid(max_steps=20)
    heard = listen(kid)
    kid.hooks.on_batch_end.append(lambda k: k.controls.send("rate", 0.5) if k.step == 6 else None)

    kid.practice()

    assert heard.events("rate") == [("rate", 6)]
    assert heard.samples("learning_rate")[6] == 0.5
    assert kid.optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("writes_by_itself", [True, False])
def test_a_checkpoint_is_written_when_somebody_asks(make_kid, listen, weights_of, tmp_path, writes_by_itself):
    told = {"dropout": 0.3, "log_dir": tmp_path, "save_chk_point": writes_by_itself}
    kid, undisturbed = make_kid(**told), make_kid(dropout=0.3)
    heard = listen(kid)
    kid.hooks.on_batch_end.append(lambda k: k.controls.send("save") if k.step == 6 else None)
    kid.practice()
    undisturbed.practice()

    assert heard.events("save") == [("save", 6)]
    assert (tmp_path / "step-6.safetensors").exists()
    assert (tmp_path / "step-20.safetensors").exists() is writes_by_itself
    assert weights_of(kid).equal(weights_of(undisturbed))
    assert (
        weights_of(make_kid(dropout=0.3).restore(tmp_path / "step-6.safetensors")).ne(weights_of(kid)).any()
    )


def test_a_stop_that_came_too_late_does_not_stop_the_next_practice(make_kid):
    kid = make_kid(max_steps=5)
    kid.hooks.on_train_end.append(lambda k: k.controls.send("stop"))
    kid.practice()
    kid.max_steps = 10

    kid.practice()

    assert int(kid.clock) == 10


def test_an_interrupt_finishes_the_step_and_gives_the_handler_back(make_kid):
    kid = make_kid(max_steps=10**9, log_dir=None)
    before = signal.getsignal(signal.SIGINT)
    kid.hooks.on_batch_end.append(lambda k: os.kill(os.getpid(), signal.SIGINT) if k.step == 4 else None)

    kid.practice()

    assert int(kid.clock) in (4, 5)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_ends_a_long_validation_too(make_kid):
    kid = make_kid(max_steps=10**9)
    kid.sensor.val_batch_size = 1
    kid.sensor.validation_batches = endless(kid.sensor.validation_batches)

    kid.practice()

    assert int(kid.clock) == 0


def test_a_second_interrupt_does_not_wait(make_kid, listen):
    kid = make_kid(max_steps=10**9)
    heard = listen(kid)

    def interrupt_twice(k):
        if k.step == 4:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    kid.hooks.on_batch_begin.append(interrupt_twice)

    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        kid.practice()

    assert (int(kid.clock), heard.statuses()[-1]) == (4, "stopped")


def test_a_stop_in_the_midst_of_a_validation_leaves_it_due(make_kid, listen, weights_of):
    whole, broken = (make_kid(max_steps=20, val_log_step=15) for _ in range(2))
    whole.practice()
    heard = listen(broken)
    batches = broken.sensor.validation_batches

    def stop_at_15():
        if broken.step == 15 and not broken.due_once:
            broken.due_once = True
            broken.controls.send("stop")
        return batches()

    broken.due_once = False
    broken.sensor.validation_batches = stop_at_15
    broken.practice()
    assert (broken.step, broken.epoch, broken.due) == (15, 0, True)

    broken.practice()

    assert heard.events("validation", "epoch") == [
        ("validation", 0),
        ("validation", 15),
        ("epoch", 15),
        ("validation", 20),
    ]
    assert weights_of(broken).equal(weights_of(whole))


def endless(batches):
    def again():
        yield from batches()
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            yield from batches()

    return again


def test_a_kid_that_practises_elsewhere_predicts_between_its_steps(make_kid):
    kid = make_kid(max_steps=10**9, dropout=0.5)
    thread = in_thread(kid)
    until(lambda: int(kid.clock) > 3)

    output = kid.predict(kid.sensor.source.validation[0])

    kid.controls.send("stop")
    thread.join(PATIENCE)
    assert output.shape == (360, 10)
    assert kid.brain.training


def test_a_kid_practises_once_at_a_time(make_kid):
    kid = make_kid(max_steps=10**9)
    thread = in_thread(kid)
    until(lambda: int(kid.clock) > 1)

    with pytest.raises(RuntimeError, match="`kid` is practising already"):
        kid.practice()

    kid.controls.send("stop")
    thread.join(PATIENCE)


def test_the_rate_counts_after_a_hook_has_frozen_a_block(make_kid, weights_of):
    kid, seen = make_kid(max_steps=20, val_log_step=5), {}
    kid.hooks.on_val_log_step.append(lambda k: k.step == 5 and k.brain["ip1"].requires_grad_(False))
    kid.hooks.on_val_log_step.append(lambda k: k.step == 15 and k.kongfu.set_lr(0.0))
    kid.hooks.on_batch_end.append(lambda k: seen.update({k.step: weights_of(k).clone()}))

    kid.practice()

    assert not seen[5].equal(seen[15])
    assert seen[15].equal(seen[20])


def test_a_block_that_a_hook_sets_free_learns(make_kid):
    kid = make_kid(max_steps=20, val_log_step=5, skip_validation=True)
    kid.brain.setup([kid.sensor.data(), kid.sensor.labels()], seed=0)
    kid.brain["ip1"].requires_grad_(False)
    before = kid.brain["ip1"].weight.detach().clone()
    kid.hooks.on_epoch_end.append(lambda k: k.brain["ip1"].requires_grad_(True))

    kid.practice()

    assert not kid.brain["ip1"].weight.equal(before)


def test_a_kid_that_is_saved_after_a_step_does_the_rest_when_resumed(make_kid, tmp_path):
    def practised(**options):
        kid = make_kid(max_steps=30, val_log_step=10, **options)
        kid.trace = []
        kid.hooks.on_val_log_step.append(lambda k: k.trace.append(("val", k.step)))
        kid.hooks.on_epoch_end.append(lambda k: k.trace.append(("epoch", k.step)))
        return kid

    whole, resumed = practised(), practised()
    whole.hooks.on_batch_end.append(lambda k: k.step == 10 and k.save(tmp_path))
    whole.practice()

    resumed.restore(tmp_path)
    resumed.practice()

    assert resumed.trace == whole.trace[1:]


def test_an_event_raised_when_practice_ends_anyway_changes_nothing(make_kid):
    kid = make_kid(max_steps=3)

    def stop(kid):
        raise EarlyStoppingEvent(0.0)

    kid.hooks.on_train_end.append(stop)

    assert kid.practice() == kid.loss_data_val[-1]


def test_a_kid_that_is_restored_in_a_pause_goes_on_from_there(make_kid, listen, weights_of):
    kid, undisturbed = make_kid(max_steps=200, dropout=0.3), make_kid(max_steps=200, dropout=0.3)
    undisturbed.practice()
    begin = checkpoint.dump(make_kid(max_steps=200, dropout=0.3))
    heard = listen(kid)
    kid.controls.send("pause")
    kid.controls.send("step", 20)
    thread = in_thread(kid)
    until(lambda: "paused" in heard.statuses())

    kid.restore(begin)
    step = kid.step
    kid.controls.send("resume")
    thread.join(PATIENCE)

    assert (step, kid.step, heard.statuses()[-1]) == (0, 200, "finished")
    assert weights_of(kid).equal(weights_of(undisturbed))


def test_a_kid_that_is_restored_in_mid_run_tells_each_loss_of_its_step(make_kid, listen, weights_of):
    kid, undisturbed = make_kid(max_steps=60), make_kid(max_steps=60)
    heard, expected = listen(kid), listen(undisturbed)
    undisturbed.practice()
    begin = checkpoint.dump(make_kid(max_steps=60))
    restored = []

    def go_back(kid):
        if kid.step == 30 and not restored:
            restored.append(kid.controls.call(lambda: kid.restore(begin)))

    kid.hooks.on_batch_end.append(go_back)
    kid.practice()

    assert kid.step == 60
    assert heard.samples("loss") == expected.samples("loss")
    assert weights_of(kid).equal(weights_of(undisturbed))


def test_a_kid_that_practises_by_itself_is_not_moved(make_kid):
    kid, told = make_kid(), []

    def move(kid):
        with pytest.raises(DispatchError, match=r"trains by itself .*`%akid_train kid -np 2`") as caught:
            kid.move(2)
        told.append(caught.value)

    kid.hooks.on_train_begin.append(move)
    kid.practice()

    assert (len(told), kid.step) == (1, 20)
    with pytest.raises(DispatchError, match="The kid does not train now"):
        kid.move(2)
