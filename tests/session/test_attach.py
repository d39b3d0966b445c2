"""Any notebook of a project can attach to its runs: see them, steer them, take their weights."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import akidlab
from akidlab import (
    ArraySource,
    Brain,
    Dashboard,
    FeedSensor,
    InnerProductLayer,
    Kid,
    MomentumKongFu,
    Run,
    Store,
)
from akidlab.errors import CheckpointError, DispatchError, KindError, MagicError, UnknownNameError, WireError
from akidlab.models.brains import OneLayerBrain
from akidlab.session import Session, attach
from akidlab.wire import Connection
from tests.patience import PATIENCE, until

FOREVER = 10_000_000


def make(**told: Any) -> Kid:
    random = np.random.RandomState(0)
    data = random.rand(96, 1, 4, 4).astype("float32"), random.randint(0, 10, 96)
    sensor = FeedSensor(ArraySource(data, data), batch_size=16)
    return Kid(sensor, OneLayerBrain(), MomentumKongFu(0.1), **{"max_steps": 20, "name": "tiny", **told})


def equal(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in found)


@pytest.fixture
def training() -> Iterator[Callable[..., Kid]]:
    """Trains a kid in the background; gives it once it has made steps."""
    with Session() as session:

        def train(**told: Any) -> Kid:
            kid = make(**{"max_steps": FOREVER, **told})
            run = session.train(kid, background=True, dashboard=False).run
            until(lambda: run.step > 0)
            return kid

        yield train


def run_of(kid: Kid) -> Run:
    assert kid.run is not None
    return kid.run


# ---------------------------------------------------------------------------------------- which run is meant


def test_where_nothing_ever_trained_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(MagicError, match=rf"^Nothing trains in {tmp_path}/akid_runs now\.$"):
        attach()


def test_where_nothing_trains_now_the_newest_are_shown_and_how_to_name_one() -> None:
    Store().create("digits", status="finished")
    Store().create("letters", status="stopped")

    with pytest.raises(
        MagicError, match=r"(?s)by its name: `attach\('letters'\)`\.\nname .*■ stopped.*✓ finished"
    ):
        attach()


def test_runs_of_another_folder_are_told_of() -> None:
    Connection(
        "run", "a1", "tcp://127.0.0.1:1", "", "", "", info={"name": "faces", "store": "/p/akid_runs"}
    ).write()

    with pytest.raises(
        MagicError, match=r"Elsewhere there are `faces` in /p/akid_runs; `AKID_RUNS` says which"
    ):
        attach()


def test_of_several_that_train_one_has_to_be_named() -> None:
    for name, status in [("digits", "running"), ("letters", "paused"), ("old", "finished")]:
        Store().create(name, status=status)

    with pytest.raises(MagicError) as told:
        attach()
    first, *table = str(told.value).splitlines()
    assert first == "2 runs train now, or wait to. Say which: `attach('letters')`."
    assert [line.split()[0] for line in table[2:]] == ["letters", "digits"]
    assert attach("digits").run.name == "digits"


def test_one_that_trains_is_meant_before_those_that_wait() -> None:
    run = Store().create("digits", status="running")
    Store().create("letters")

    assert attach().run == run


def test_a_wrong_name_is_answered_with_the_nearest_those_that_train_first() -> None:
    Store().create("digits")
    Store().create("letters", status="finished")

    with pytest.raises(
        UnknownNameError, match=r"no run `digts`. Did you mean `digits`\? Known: digits, letters"
    ):
        attach("digts")


def test_a_run_is_named_by_its_name_by_its_uid_or_by_itself() -> None:
    run = Store().create("digits", status="finished")

    assert attach("digits").run == attach(run.uid).run == attach(run).run == run


def test_what_names_no_run_is_said() -> None:
    with pytest.raises(KindError, match=r"A run, its name or its uid is attached to; found 3\."):
        attach(3)  # type: ignore[arg-type]


def test_a_note_is_kept_with_the_run_that_was_attached_to() -> None:
    attached = attach(Store().create("digits"))
    attached.note("Learned on the old data.")

    assert [note.data["text"] for note in attached.run.events("note")] == ["Learned on the old data."]


def test_it_tells_what_a_run_tells() -> None:
    kid = make(val_log_step=10)
    kid.practice()
    attached = attach("tiny")

    assert attached.at(15).step == attached.branch(15, like=kid).step == 10
    assert attached.checkpoints.steps == [10, 20]
    assert attached.scalars("loss").steps[-1] == attached.max_steps == 20
    assert attached.figure("loss").data[0].name == "loss"
    assert {name for name in dir(Run) if not name.startswith("_")} < set(dir(attached))
    with pytest.raises(AttributeError, match="'scalers'"):
        attached.scalers  # noqa: B018


def test_to_attach_loads_neither_torch_nor_widgets() -> None:
    code = "import sys, akidlab\ntry:\n    akidlab.attach()\nexcept ValueError:\n    pass\n"
    code += "print([name for name in ('torch', 'anywidget') if name in sys.modules])"

    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


# --------------------------------------------------------------------------------------------- what is shown


def test_it_is_shown_by_a_dashboard_of_its_own() -> None:
    attached = attach(Store().create("digits", max_steps=100))

    assert isinstance(attached.dashboard, Dashboard)
    assert attached.dashboard is attached.dashboard
    assert (attached.dashboard.run, repr(attached)) == (
        attached.run,
        "Attached('digits': … preparing, step 0 / 100, 0.0 s)",
    )


# -------------------------------------------------------------------------------------------- steer and wait


def test_a_run_in_another_thread_or_kernel_is_steered(training: Callable[..., Kid]) -> None:
    run = run_of(training())
    attached = attach()
    attached.send("pause")
    until(lambda: run.status == "paused")
    held = run.step
    attached.send("rate", 0.5)
    attached.send("step", 3)
    until(lambda: run.step == held + 3 and run.status == "paused")
    attached.send("resume")
    until(lambda: run.step > held + 3)
    attached.send("stop")

    assert attached.wait(PATIENCE).status == "stopped"
    assert run.scalars("learning_rate").last == 0.5


def test_what_is_asked_most_has_a_name_of_its_own(training: Callable[..., Kid]) -> None:
    training()
    attached = attach()
    attached.pause()
    until(lambda: attached.run.status == "paused")
    held = attached.step
    attached.resume()
    until(lambda: attached.step > held)
    attached.stop()

    assert attached.wait(PATIENCE).status == "stopped"


def test_what_has_ended_takes_no_commands_and_is_not_waited_for() -> None:
    attached = attach(Store().create("digits", status="finished"))

    assert attached.wait().status == "finished"
    with pytest.raises(WireError, match="The run `digits` is finished; only a live run can be steered"):
        attached.send("pause")
    with pytest.raises(ValueError, match="There is no command `explode`"):
        attached.send("explode")


def test_a_run_of_another_machine_is_shown_but_not_steered() -> None:
    store = Store()
    run = store.create("digits", status="running")
    with store.writing() as db:
        db.execute("UPDATE runs SET machine = 'ada/1', host = 'ada', pid = 7")
    attached = attach()

    assert (attached.run, attached.run.is_live) == (run, True)
    assert repr(store.runs()).splitlines()[2].split()[3:6] == ["ada,", "process", "7"]
    with pytest.raises(WireError, match="The run `digits` trains on ada, and listens to that machine alone"):
        attached.send("pause")


def test_a_run_that_goes_on_is_waited_for_no_longer_than_asked(training: Callable[..., Kid]) -> None:
    training()

    with pytest.raises(TimeoutError, match=r"The run `tiny` has not ended after 0\.2 s; it goes on"):
        attach().wait(0.2)


def test_who_waits_hears_what_it_failed_with() -> None:
    def fail(kid: Kid) -> None:
        raise ZeroDivisionError("no hook of mine")

    kid = make()
    kid.hooks.on_batch_end.append(fail)
    with pytest.raises(ZeroDivisionError):
        kid.practice()

    with pytest.raises(
        DispatchError, match=r"(?s)^The run `tiny` failed: Traceback.*in fail.*no hook of mine"
    ):
        attach("tiny").wait()


def test_who_waits_hears_that_its_process_died() -> None:
    code = "import akidlab; akidlab.Store().create('gone', status='running')"
    subprocess.run([sys.executable, "-c", code], check=True)

    with pytest.raises(
        DispatchError, match=r"`gone` was lost at step 0: its process \(\d+\) died\. `--resume gone`"
    ):
        attach("gone").wait()


# --------------------------------------------------------------------------------------------------- weights


def test_the_weights_of_a_live_run_are_those_of_its_step(training: Callable[..., Kid]) -> None:
    kid = training(save_chk_point=False)
    attached = attach()
    attached.send("pause")
    until(lambda: attached.run.status == "paused")
    paused = attached.weights()
    attached.send("step", 5)
    until(lambda: attached.run.events("step") and attached.run.status == "paused")
    before_and_after = (
        equal(paused, kid.brain.state_dict()),
        equal(attached.weights(), kid.brain.state_dict()),
    )
    attached.send("resume")
    until(lambda: attached.run.status == "running")
    running = attached.weights()

    assert before_and_after == (False, True)
    assert not equal(running, paused)


def test_the_weights_of_a_run_that_has_ended_are_those_of_its_last_checkpoint() -> None:
    kid = make()
    kid.practice()

    assert equal(attach("tiny").weights(), kid.brain.state_dict())


def test_a_brain_takes_them_and_a_kid_stands_where_the_run_stood() -> None:
    kid = make(max_steps=20)
    kid.practice()
    brain, other = OneLayerBrain(), make(max_steps=30)
    attached = attach("tiny")

    assert attached.load_into(brain) is brain
    assert attached.load_into(other) is other
    assert equal(brain.state_dict(), kid.brain.state_dict())
    assert (other.step, other.run) == (20, kid.run)
    other.practice()
    assert other.step == 30


def test_what_does_not_fit_is_said() -> None:
    make().practice()
    attached = attach("tiny")
    other = (
        Brain(name="other").attach(InnerProductLayer(out_channel_num=2, name="ip9")).setup(torch.ones(1, 4))
    )

    with pytest.raises(
        CheckpointError, match=r"Only the checkpoint has `conv1`, `ip1`. Only this brain has `ip9`"
    ):
        attached.load_into(other)
    with pytest.raises(KindError, match="Weights go into a Kid or a Brain, found a dict"):
        attached.load_into({})


def test_without_a_checkpoint_there_are_no_weights() -> None:
    make(save_chk_point=False).practice()
    waiting = Store().create("waiting")

    with pytest.raises(
        CheckpointError, match=r"The run `tiny` is finished; there is no checkpoint in .*/tiny"
    ):
        attach("tiny").weights()
    with pytest.raises(CheckpointError, match="The run `waiting` has not begun yet"):
        attach(waiting).weights()


def test_a_step_that_takes_too_long_is_not_waited_for(training: Callable[..., Kid]) -> None:
    kid = training()
    kid.hooks.on_batch_end.append(lambda kid: time.sleep(0.3))

    with pytest.raises(
        TimeoutError, match=r"has written no checkpoint within 0\.02 s: .*`weights\(timeout=600\)`"
    ):
        attach().weights(timeout=0.02)


def test_a_loop_of_ones_own_is_steered_but_has_no_weights_to_give() -> None:
    model, loss = torch.nn.Linear(4, 2), torch.nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    with akidlab.watch(model, optimizer, loss=loss):
        loss(model(torch.zeros(1, 4)), torch.zeros(1, 2)).backward()
        optimizer.step()
        until(lambda: attach().run.status == "running")
        with pytest.raises(WireError, match="A loop of one's own writes no checkpoints"):
            attach().weights()
