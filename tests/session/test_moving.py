"""A run is moved to ranks and back: it stays one run, and learns what it would have learnt at home."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
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
from akidlab.errors import DispatchError, WireError
from akidlab.models.brains import LeNet
from akidlab.session import Cargo, Plan
from akidlab.session.dispatching import carried
from tests.kids.conftest import small_brain
from tests.patience import until

pytestmark = pytest.mark.ranks

FOREVER = 10_000_000
RATE = {"name": LearningRateScheme.exp_decay, "decay_rate": 0.8, "decay_steps": 10}
KONGFUS: dict[str, Callable[[], Any]] = {
    "momentum": lambda: MomentumKongFu(0.05, lr_scheme=RATE),
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
    assert kid.run is not None and expected.run is not None
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
    """The run of a kid that trains in the background."""
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
