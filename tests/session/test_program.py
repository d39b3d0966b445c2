"""Programs: files that make a kid, trained without a notebook."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from akidlab import engines
from akidlab.cli import main
from akidlab.engines.single import SingleEngine
from akidlab.errors import DispatchError, StoreError
from akidlab.session import program
from akidlab.session.program import Program
from akidlab.store import Store
from tests.patience import PATIENCE, until

HEAD = """
import numpy as np
from akidlab import ArraySource, FeedSensor, Kid, MomentumKongFu
from akidlab.models.brains import OneLayerBrain

random = np.random.RandomState(0)
data = random.rand(96, 1, 4, 4).astype("float32"), random.randint(0, 10, 96)

def make(**told):
    sensor = FeedSensor(ArraySource(data, data), batch_size=16)
    return Kid(sensor, OneLayerBrain(), MomentumKongFu(0.1), **{"max_steps": 6, "name": "tiny", **told})

"""


def a_file(folder: Path, body: str = "kid = make()") -> Path:
    path = folder / "train.py"
    path.write_text(HEAD + body)
    return path


def test_its_kid_is_trained_and_recorded(tmp_path: Path) -> None:
    kid = Program(a_file(tmp_path), name="mine", steps=4, lr=0.5).train()

    run = Store().run("mine")
    assert (kid.step, run.step, run.status) == (4, 4, "finished")
    assert run.scalars("learning_rate").values[0] == 0.5


def test_a_job_that_is_started_again_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    path = a_file(tmp_path, "kid = make(val_log_step=2)")
    whole = Program(path, name="whole", steps=6).train()
    Program(path, name="halved", steps=4).train()

    again = Program(path, name="halved", steps=6, resume=True).train()

    run = Store().run("halved")
    assert again.step == 6
    assert [list(run.scalars("loss").steps), run.status] == [[1, 2, 3, 4, 5, 6], "finished"]
    for mine, theirs in zip(again.brain.parameters(), whole.brain.parameters(), strict=True):
        assert mine.equal(theirs)


def test_a_job_that_had_finished_ends_at_once_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = a_file(tmp_path)
    first = main(["run", str(path), "--name", "done"])
    ended = Store().run("done").ended

    again = main(["run", str(path), "--name", "done", "--resume"])

    assert (first, again) == (0, 0)
    assert Store().run("done").ended == ended
    assert capsys.readouterr().out.count("`done` finished: 6 steps") == 2


def test_a_term_signal_saves_and_the_next_start_goes_on(tmp_path: Path) -> None:
    path = a_file(tmp_path, "kid = make(max_steps=10**9)")
    command = [sys.executable, "-m", "akidlab.cli", "run", str(path), "--name", "long", "--resume"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until(lambda: Store().runs() and Store().run("long").step > 3)

    process.send_signal(signal.SIGTERM)

    assert process.wait(PATIENCE) == 128 + signal.SIGTERM
    run, end = Store().run("long"), Store().run("long").step + 2
    assert run.status == "stopped"
    assert Program(path, name="long", steps=end, resume=True).train().step == end
    assert list(run.scalars("loss").steps)[-3:] == [end - 2, end - 1, end]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "makes no kid"),
        ("a, b = make(), make()", "makes several kids: a, b"),
        ("kid = make(record=False)\nkid.practice()", "has trained its kid by itself"),
    ],
)
def test_a_file_without_one_fresh_kid_is_refused(tmp_path: Path, body: str, told: str) -> None:
    with pytest.raises(DispatchError, match=told):
        Program(a_file(tmp_path, body)).train()


def test_a_file_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(tmp_path / "none.py")]) == 1
    assert "There is no file" in capsys.readouterr().err


def test_ranks_of_an_mpi_that_horovod_does_not_know_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "get", lambda name: SingleEngine(device="cpu"))
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "1")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")

    with pytest.raises(DispatchError, match="mpirun started 4 ranks, but this Horovod was built without MPI"):
        Program(a_file(tmp_path)).train()


def test_a_run_that_is_written_elsewhere_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store().create("busy", status="running")
    monkeypatch.setattr(program, "PATIENCE", 0.1)

    with pytest.raises(StoreError, match="`busy` is running elsewhere"):
        Program(a_file(tmp_path), name="busy", resume=True).train()


def test_what_it_defines_is_found_by_name_and_forgotten_afterwards(tmp_path: Path) -> None:
    before, search = sys.modules["__main__"], list(sys.path)
    body = "import pickle, helper\nclass Mine: pass\npickle.loads(pickle.dumps(Mine()))\nkid = make()"
    (tmp_path / "helper.py").touch()

    Program(a_file(tmp_path, body), steps=1).train()

    assert (sys.modules["__main__"], sys.path) == (before, search)
    assert os.environ.get("HOROVOD_RANK") is None
