"""A run is moved to ranks and back: it stays one run, and learns what it would have learnt at home."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from akidlab import (
    AdamKongFu,
    DigitsSource,
    FeedSensor,
    Kid,
    LearningRateScheme,
    MomentumKongFu,
    Run,
    Session,
    Store,
    attach,
)
from akidlab.dispatch import Pool, home
from akidlab.errors import DispatchError
from akidlab.kids import checkpoint
from akidlab.messages import Command
from akidlab.models.brains import LeNet
from akidlab.session import Plan
from akidlab.session.dispatching import carried
from akidlab.session.moving import Manner
from tests.kids.conftest import small_brain
from tests.patience import until

pytestmark = pytest.mark.ranks

FOREVER = 10_000_000
RATE = {"name": LearningRateScheme.exp_decay, "decay_rate": 0.8, "decay_steps": 10}
KONGFUS: dict[str, Callable[[], Any]] = {
    "momentum": lambda: MomentumKongFu(0.05, lr_scheme=RATE),
    "plain": lambda: MomentumKongFu(0.05),
    "adam": lambda: AdamKongFu(0.002, lr_scheme=RATE),
}


def make(brain: str = "mlp", kongfu: str = "momentum", **told: Any) -> Kid:
    sensor = FeedSensor(DigitsSource(), batch_size=64, seed=3)
    body = LeNet(name="lenet") if brain == "lenet" else small_brain(dropout=told.pop("dropout", 0.0))
    return Kid(sensor, body, KONGFUS[kongfu](), **{"name": "digits", "val_log_step": 1000, **told})


@pytest.fixture(scope="module")
def place(launcher: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Session]]:
    """A notebook's folder and session, with two warm ranks."""
    folder = tmp_path_factory.mktemp(f"moving-{launcher}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKIDLAB_RUNTIME", str(folder / "runtime"))
        patch.setenv("AKIDLAB_QUIET", "1")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.chdir(folder)
        with Session() as session:
            session.pool(2, launcher)
            yield folder, session
            patch.setenv("AKIDLAB_RUNTIME", str(folder / "runtime"))
            session.stop_pools()


@pytest.fixture
def session(place: tuple[Path, Session], monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    folder, session = place
    monkeypatch.setenv("AKIDLAB_RUNTIME", str(folder / "runtime"))
    monkeypatch.setenv("AKIDLAB_QUIET", "1")
    monkeypatch.chdir(folder)
    torch.set_num_threads(1)
    yield session
    for training in session.live:
        training.stop()
        training.join(60.0)


def undisturbed(steps: int, **told: Any) -> Kid:
    """A kid that practised in one process, all at once."""
    kid = make(**told, max_steps=steps, record=True)
    kid.practice()
    return kid


def losses(run: Run | None) -> torch.Tensor:
    assert run is not None
    series = run.scalars("loss")
    assert series.steps.tolist() == list(range(1, len(series.steps) + 1))  # none lost, none made twice
    return torch.tensor(series.values)


def weights(kid: Kid) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in kid.brain.parameters()])


def slots(kid: Kid) -> torch.Tensor:
    state = kid.optimizer.state_dict()["state"]
    held = [state[i][name] for i in sorted(state) for name in sorted(state[i])]
    return torch.cat([slot.flatten().double() for slot in held if slot is not None])


def as_if_undisturbed(kid: Kid, expected: Kid) -> None:
    close = {"rtol": 0.0, "atol": 1e-6}
    torch.testing.assert_close(losses(kid.run), losses(expected.run), **close)
    torch.testing.assert_close(weights(kid), weights(expected), **close)
    torch.testing.assert_close(slots(kid), slots(expected), **close)
    assert kid.run is not None
    assert expected.run is not None
    assert kid.run.scalars("learning_rate").last == expected.run.scalars("learning_rate").last
    assert kid.sensor.state_dict() == expected.sensor.state_dict()
    assert (kid.step, kid.epoch) == (expected.step, expected.epoch)


# ------------------------------------------------------------------------------------- from cell to cell


@pytest.mark.parametrize(("brain", "kongfu"), [("mlp", "momentum"), ("lenet", "adam")])
def test_one_then_two_then_one_process_learn_what_one_does(session: Session, brain: str, kongfu: str) -> None:
    kid = make(brain, kongfu, max_steps=15)
    kid.setup()
    parts = [kid.brain, kid.sensor, kid.kongfu, kid.optimizer, *kid.brain.parameters()]
    session.train(kid, dashboard=False)
    on = Plan(resume="digits", steps=15)
    session.dispatch(2, carried(kid, None), kid, on, dashboard=False)
    session.train(kid, on, dashboard=False)

    as_if_undisturbed(kid, undisturbed(45, brain=brain, kongfu=kongfu))
    now = [kid.brain, kid.sensor, kid.kongfu, kid.optimizer, *kid.brain.parameters()]
    assert all(one is other for one, other in zip(parts, now, strict=True))


def test_a_run_of_ranks_goes_on_in_another_kids_kernel(session: Session) -> None:
    first, second = make(max_steps=10), make(max_steps=20)
    session.dispatch(2, carried(first, None), first, dashboard=False)
    session.train(second, Plan(resume="digits"), dashboard=False)

    as_if_undisturbed(second, undisturbed(20))


# --------------------------------------------------------------------------------------------- in mid-run


def begun(session: Session, kid: Kid) -> Run:
    """The run of a kid that trains in the background, not too fast."""
    kid.hooks.on_batch_end.append(lambda kid: time.sleep(0.005))
    run = session.train(kid, background=True, dashboard=False).run
    until(lambda: run.step > 0)
    return run


def arrived(run: Run, ranks: int, moves: int = 1) -> None:
    """Wait until the run has moved, and made a step there."""
    until(lambda: len(run.events("moved")) == moves or run.events("stays"))
    assert not run.events("stays"), run.events("stays")[0].data["text"]
    until(lambda: run.step > run.events("moved")[-1].step)
    assert run.world_size == ranks


def finish(session: Session, kid: Kid) -> None:
    """Let it make a few steps more, and end."""
    kid.controls.send("stop")
    until(lambda: not session.live)


def test_a_run_moves_to_ranks_and_back_in_its_midst(session: Session) -> None:
    kid = make(max_steps=FOREVER)
    run = begun(session, kid)
    kid.move(2)
    arrived(run, 2)
    kid.move(1)
    arrived(run, 1, moves=2)
    finish(session, kid)

    as_if_undisturbed(kid, undisturbed(kid.step))
    assert [(e.data["from"], e.data["to"], e.step == e.data["step"]) for e in run.events("moved")] == [
        (1, 2, True),
        (2, 1, True),
    ]
    assert (kid.run, len(Store().runs()), run.status) == (run, 2, "stopped")


def test_a_run_leaves_a_checkpoint_for_a_kernel_that_dies_on_the_way(session: Session) -> None:
    kid = make(max_steps=FOREVER)
    run = begun(session, kid)
    for goal in (2, 1):
        kid.move(goal)
        arrived(run, goal, moves=3 - goal)
        step = run.events("moved")[-1].step

        assert checkpoint.latest(run.folder) == run.folder / f"step-{step}.safetensors"
    finish(session, kid)


def test_the_cell_waits_on_while_hooks_move_the_run(session: Session) -> None:
    kid, moves = make(max_steps=FOREVER), []

    def move(kid: Kid) -> None:
        if kid.step == 1:
            kid.move(2)
        if kid.run is None and not moves:  # on each of the ranks
            moves.append(kid.move(0))
        if kid.run is not None and kid.step % 10 == 0 and len(kid.run.events("moved")) == 2:
            kid.controls.send("stop")
        time.sleep(0.005)

    kid.hooks.on_batch_end.append(move)
    session.train(kid, dashboard=False)

    as_if_undisturbed(kid, undisturbed(kid.step))
    assert kid.run is not None
    assert [event.data["to"] for event in kid.run.events("moved")] == [2, 1]


def test_what_was_asked_before_and_on_the_way_holds_there(session: Session) -> None:
    kid = make(kongfu="plain", max_steps=FOREVER)
    run = begun(session, kid)
    (voyage,) = session.live
    kid.controls.send("rate", 0.01)
    kid.controls.send("pause")
    until(lambda: run.status == "paused")
    held = run.step
    kid.move(2)
    until(lambda: run.events("moved") and run.status == "paused")
    kid.controls.send("step", 3)
    until(lambda: run.step == held + 3 and run.status == "paused")
    voyage.send(Command("ranks", 1))
    until(lambda: len(run.events("moved")) == 2 and run.status == "paused")

    assert (run.step, kid.step) == (held + 3, held + 3)
    assert run.scalars("learning_rate").last == kid.kongfu.get_lr() == 0.01
    kid.controls.send("resume")
    until(lambda: run.step > held + 3)
    finish(session, kid)
    losses(run)


def test_dropout_draws_the_same_wherever_it_is_moved_at_the_same_steps(session: Session) -> None:
    def moved() -> Kid:
        kid = make(dropout=0.3, max_steps=10)
        session.train(kid, dashboard=False)
        session.dispatch(2, carried(kid, None), kid, Plan(steps=10), dashboard=False)
        session.train(kid, Plan(steps=10), dashboard=False)
        return kid

    first, second = moved(), moved()

    assert torch.equal(weights(first), weights(second))
    assert not torch.equal(weights(first), weights(undisturbed(30, dropout=0.3)))


def test_from_ranks_to_more_ranks_and_home_as_another_kernel_asks(session: Session) -> None:
    kid = make(max_steps=FOREVER)
    kid.hooks.on_batch_end.append(lambda kid: time.sleep(0.01))
    run = session.dispatch(2, carried(kid, None), kid, background=True, dashboard=False).run
    until(lambda: run.step > 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of more ranks than cores
        attach(run).move(3)
        arrived(run, 3)
    code = f"import akidlab; print(akidlab.attach({run.name!r})); akidlab.attach({run.name!r}).move(1)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    arrived(run, 1, moves=2)
    finish(session, kid)

    assert "running" in shown
    assert "3 ranks" in shown
    as_if_undisturbed(kid, undisturbed(kid.step))


def test_a_rank_lost_soon_after_costs_no_step(session: Session) -> None:
    kid = make(max_steps=FOREVER)
    run = begun(session, kid)
    kid.move(2)
    arrived(run, 2)
    (pool,) = [one for one in session.describe_pools() if one["run"] == run.name]
    os.kill(pool["ranks"][1]["pid"], signal.SIGKILL)
    until(lambda: run.events("resumed"))
    reached = run.step
    until(lambda: run.step > reached)
    finish(session, kid)

    as_if_undisturbed(kid, undisturbed(kid.step))


# --------------------------------------------------------------------------------------- what is not moved


def stays(run: Run) -> str:
    """Why the run was not moved."""
    until(lambda: run.events("stays"))
    (event,) = run.events("stays")
    step = run.step
    until(lambda: run.step > step)
    assert not run.events("moved")
    return str(event.data["text"])


def test_a_kid_that_cannot_travel_stays_and_says_what_cannot(session: Session, tmp_path: Path) -> None:
    kid = make(max_steps=FOREVER)
    with (tmp_path / "notes").open("w") as notes:
        kid.hooks.on_batch_end.append(lambda kid: notes.write(f"{kid.step}"))
        run = begun(session, kid)
        kid.move(2)
        why = stays(run)
        finish(session, kid)

    assert why.startswith(
        "The run goes on in this notebook. The kid cannot travel to ranks: it is a `akidlab.kids.kid.Kid`, "
        "because of its hooks `on_batch_end` → `[0]` → `notes` in its closure: "
    )
    as_if_undisturbed(kid, undisturbed(kid.step))


def test_ranks_that_cannot_begin_give_the_run_back(session: Session) -> None:
    kid = make(max_steps=FOREVER)

    def refuse(kid: Kid) -> None:
        if kid.run is None:  # on a rank
            raise RuntimeError("Not with me.")

    kid.hooks.on_train_begin.append(refuse)
    run = begun(session, kid)
    kid.move(2)
    why = stays(run)
    finish(session, kid)

    assert "On 2 ranks, `" in why
    assert "RuntimeError: Not with me." in why
    as_if_undisturbed(kid, undisturbed(kid.step))


def test_a_pool_that_cannot_start_changes_nothing(session: Session) -> None:
    def no_pool(np: int, launcher: str | None) -> Pool:
        raise DispatchError(f"{np} ranks cannot be started here.")

    kid = make(max_steps=FOREVER)
    run = begun(session, kid)
    (voyage,) = session.live
    voyage.manner = Manner(no_pool)
    kid.move(2)
    why = stays(run)
    finish(session, kid)

    assert why == "The run goes on in this notebook. 2 ranks cannot be started here."
    as_if_undisturbed(kid, undisturbed(kid.step))


def test_where_it_is_already_it_does_not_go(session: Session) -> None:
    kid = make(max_steps=FOREVER)
    begun(session, kid)

    with pytest.raises(DispatchError, match=r"`digits.*` trains in this notebook already"):
        kid.move(1)
    finish(session, kid)
    with pytest.raises(DispatchError, match="The kid does not train now"):
        kid.move(2)


def test_another_notebook_hears_of_what_is_refused_from_the_run(session: Session) -> None:
    kid = make(max_steps=FOREVER)
    kid.hooks.on_batch_end.append(lambda kid: time.sleep(0.005))
    run = session.dispatch(2, carried(kid, None), kid, background=True, dashboard=False).run
    until(lambda: run.step > 0)
    attach(run).move(2)
    why = stays(run)
    finish(session, kid)

    assert why == f"`{run.name}` trains on 2 ranks already."
    losses(run)


def test_ranks_whose_notebook_is_gone_keep_their_run(session: Session) -> None:
    work: Any = SimpleNamespace(name="digits", task=SimpleNamespace(options={"home": None}))

    with pytest.raises(DispatchError, match=r"is gone. Stop it; `%akid_train --resume digits -np 4` goes on"):
        home.ask(work, Command("ranks", 4))


def test_a_run_that_ends_before_its_ranks_are_ready_leaves_the_next_one_alone(session: Session) -> None:
    kid, is_over = make(max_steps=FOREVER), threading.Event()

    def slow_pool(np: int, launcher: str | None) -> Pool:
        is_over.wait(60.0)
        return session.pool(np, launcher)

    begun(session, kid)
    (voyage,) = session.live
    voyage.manner = Manner(slow_pool)
    kid.move(2)
    finish(session, kid)
    run = session.train(kid, Plan(), background=True, dashboard=False, name="next").run
    (road,) = [thread for thread in threading.enumerate() if thread.name == "akidlab-voyage"]
    is_over.set()
    road.join(60.0)
    reached = run.step
    until(lambda: run.step > reached + 1)
    finish(session, kid)

    assert (run.status, run.events("stays"), run.events("moved")) == ("stopped", [], [])


def test_what_is_asked_while_it_cannot_leave_still_counts(session: Session) -> None:
    kid = make(max_steps=FOREVER)
    run = begun(session, kid)
    (voyage,) = session.live

    def refuse(command: Command) -> None:
        voyage.send(Command("pause"))
        raise DispatchError("It cannot leave.")

    voyage.leg.leave = refuse  # type: ignore[method-assign]
    kid.move(2)
    until(lambda: run.status == "paused")
    kid.controls.send("resume")
    finish(session, kid)

    assert [event.data["text"] for event in run.events("stays")] == [
        "The run goes on in this notebook. It cannot leave."
    ]


def test_a_pause_that_is_stopped_on_the_way_is_not_for_the_next_run(session: Session) -> None:
    kid = make(max_steps=FOREVER)
    run = begun(session, kid)
    (voyage,) = session.live
    kid.controls.send("pause")
    until(lambda: run.status == "paused")
    kid.move(2)
    until(lambda: run.status != "paused")
    voyage.stop()
    until(lambda: not session.live)
    assert voyage.join(60.0)

    again = session.train(kid, Plan(steps=3), background=True, dashboard=False)
    until(lambda: again.run.status in ("paused", "finished"))
    assert again.run.status == "finished"


def test_a_stop_on_the_way_counts_where_it_arrives(session: Session) -> None:
    kid = make(max_steps=FOREVER)
    run = begun(session, kid)
    (voyage,) = session.live
    kid.move(2)
    voyage.stop()
    until(lambda: not session.live)

    as_if_undisturbed(kid, undisturbed(kid.step))
    assert (run.status, kid.step) == ("stopped", run.step)
