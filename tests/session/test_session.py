"""A session trains kids in this kernel, and any process of its user may steer them."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from akidlab import ArraySource, FeedSensor, Kid, MomentumKongFu, Session, runs
from akidlab.errors import CheckpointError, MagicError, WireError
from akidlab.messages import Command
from akidlab.models.brains import OneLayerBrain
from akidlab.session import Plan
from akidlab.widgets.description import events
from akidlab.wire.remote import ask_run, send_command
from tests.patience import until

FOREVER = 10_000_000


def make(**told: Any) -> Kid:
    random = np.random.RandomState(0)
    data = random.rand(96, 1, 4, 4).astype("float32"), random.randint(0, 10, 96)
    sensor = FeedSensor(ArraySource(data, data), batch_size=16)
    return Kid(sensor, OneLayerBrain(), MomentumKongFu(0.1), **{"max_steps": 20, "name": "tiny", **told})


@pytest.fixture
def session() -> Any:
    with Session() as session:
        yield session


def test_the_current_session_is_scoped() -> None:
    outer = Session.current()
    with Session() as inner:
        assert Session.current() is inner

    assert Session.current() is outer


def test_importing_the_session_and_the_magics_loads_no_torch() -> None:
    code = (
        "import sys, akidlab.session, akidlab.magics\n"
        "print('torch' in sys.modules, 'ipywidgets' in sys.modules)"
    )

    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["False", "False"]


def test_any_process_of_the_user_steers_a_live_run(session: Session) -> None:
    run = session.train(make(max_steps=FOREVER), background=True, dashboard=False).run
    until(lambda: run.step > 0)
    send_command(run.uid, Command("pause"))
    until(lambda: run.status == "paused")
    assert ask_run(run.uid, {"kind": "status"})["status"] == "paused"
    send_command(run.uid, Command("rate", 0.5))
    again = Command("step", 3)
    at = int(ask_run(run.uid, {"kind": "status"})["step"])  # type: ignore[call-overload]
    assert [send_command(run.uid, again)["new"] for _ in range(2)] == [True, False]
    until(lambda: run.step == at + 3 and run.status == "paused")
    send_command(run.uid, Command("stop"))
    until(lambda: run.status == "stopped")
    until(lambda: not session.live)

    assert [e.kind for e in run.events() if e.kind in ("pause", "rate", "step", "stop")] == [
        "pause", "rate", "step", "stop",
    ]  # fmt: skip
    assert run.scalars("learning_rate").last == 0.5
    with pytest.raises(WireError, match="it ended or never began"):
        send_command(run.uid, Command("stop"))


def test_a_live_run_keeps_a_note_once_and_writes_a_checkpoint_that_stays(session: Session) -> None:
    run = session.train(make(max_steps=FOREVER), background=True, dashboard=False).run
    until(lambda: run.step > 0)
    note = Command("note", text="The loss falls.")
    assert [send_command(run.uid, note)["new"] for _ in range(2)] == [True, False]
    send_command(run.uid, Command("save"))
    until(lambda: any("pinned" in event.data for event in run.events("checkpoint")))
    send_command(run.uid, Command("stop"))
    until(lambda: not session.live)

    (told,) = run.events("note")
    assert (told.data["text"], told.data["id"]) == ("The loss falls.", note.id)
    kinds = [event["kind"] for event in events(run.events()) if event["kind"] != "stop"]
    assert kinds[:3] == ["note", "save", "checkpoint"]  # of all checkpoints the one that was asked for


def test_a_run_says_what_it_understands(session: Session) -> None:
    run = session.train(make(max_steps=FOREVER), background=True, dashboard=False).run

    assert "`command`, `status` and `ask`" in str(ask_run(run.uid, {"kind": "dance"})["error"])


def test_leaving_a_session_stops_and_saves_what_trains() -> None:
    with Session() as session:
        run = session.train(make(max_steps=FOREVER), background=True, dashboard=False).run
        until(lambda: run.step > 0)

    assert run.status == "stopped"
    assert list(run.folder.glob("step-*.safetensors"))


def test_a_kid_knows_whether_a_dashboard_shows_its_run(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("akidlab.session.session.shows", lambda dashboard: dashboard)
    kid, seen = make(), []
    kid.hooks.on_train_end.append(lambda kid: seen.append(kid.shown))

    for dashboard in (True, False):
        kid.max_steps = 5 + kid.step
        session.train(kid, dashboard=dashboard)

    assert (seen, kid.shown) == ([True, False], False)


def test_a_kid_trains_once_at_a_time(session: Session) -> None:
    kid = make(max_steps=FOREVER)
    session.train(kid, background=True, dashboard=False)

    with pytest.raises(MagicError, match="training already in the run `tiny`"):
        session.train(kid, dashboard=False)


def test_what_goes_wrong_before_the_first_step_marks_the_run_and_is_raised(session: Session) -> None:
    kid = make()
    kid.hooks.on_train_begin.append(lambda kid: 1 / 0)

    with pytest.raises(ZeroDivisionError, match="division by zero"):
        session.train(kid, dashboard=False)
    assert (runs()["tiny"].status, runs()["tiny"].error) == ("failed", "ZeroDivisionError: division by zero")


def test_without_a_place_for_its_socket_nothing_trains_and_the_kid_is_free_again(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kid = make()
    (tmp_path / "file").write_text("no folder")
    with monkeypatch.context() as patch:
        patch.setenv("AKIDLAB_RUNTIME", str(tmp_path / "file" / "runtime"))
        with pytest.raises(WireError, match="Set AKIDLAB_RUNTIME to a folder of yours"):
            session.train(kid, dashboard=False)

    assert (session.live, runs()["tiny"].status) == ([], "failed")
    assert session.train(kid, dashboard=False).run.status == "finished"


def test_a_run_that_lives_or_left_nothing_cannot_be_resumed(session: Session) -> None:
    run = session.train(make(max_steps=FOREVER), background=True, dashboard=False).run
    until(lambda: run.step > 0)
    with pytest.raises(MagicError, match=r"The run `tiny` is running; stop it before it is resumed"):
        session.train(make(), Plan(resume="tiny"), dashboard=False)
    session.close()
    bare = session.train(make(name="bare", save_chk_point=False), dashboard=False).run

    with pytest.raises(CheckpointError, match=r"The run `bare` has left no checkpoint"):
        session.train(make(), Plan(resume=bare.name), dashboard=False)


def test_it_says_what_it_trains(session: Session) -> None:
    assert repr(session) == "Session(training nothing)"
    session.train(make(max_steps=FOREVER), background=True, dashboard=False)

    assert repr(session) == "Session(training `tiny`)"


def test_tensorboard_files_are_written_beside_the_store(session: Session) -> None:
    pytest.importorskip("tensorboard")
    training = session.train(make(), dashboard=False, tensorboard=True)

    (file,) = (training.run.folder / "tensorboard").iterdir()
    assert file.stat().st_size > 0
    assert not any(type(s).__name__ == "TensorBoardWriter" for s in training.kid.bus.subscribers)


def test_to_break_off_what_has_ended_hits_no_other_thread(session: Session) -> None:
    training: Any = session.train(make(), dashboard=False).leg
    training._thread = threading.current_thread()  # the number of an ended thread is given again

    training._break_off()
    assert training.run.status == "finished"
