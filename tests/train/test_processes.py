"""Tuning in processes: each instance in its own, none left behind, whoever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest

from akidlab import runs
from akidlab.errors import UnknownNameError
from akidlab.train import TuningWarning, search, tune, tuning
from akidlab.train.forks import ALONE
from akidlab.train.process import Spawner
from tests.patience import until
from tests.processes import living
from tests.train.conftest import SETUP
from tests.train.shared import shared_nursery

pytestmark = pytest.mark.ranks

NURSERIES: list[int] = []


@pytest.fixture(scope="module", autouse=True)
def _nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with shared_nursery(tmp_path_factory) as pid:
        NURSERIES.append(pid)
        yield


ODD = """
import os, signal, json
def odd(how):
    print(json.dumps([os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES")]))
    if how == "raises":
        lines = 1 / 0
    if how == "dies":
        print("about to die", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "exits":
        os._exit(3)
    return setup()
"""
DEAF = """
import signal, time
def deaf():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("deaf")
    time.sleep(100)
"""
FOREVER = SETUP.replace("STEPS = 20", "STEPS = 10_000_000")


def output(run: str) -> str:
    file = runs()[run].folder / "output.txt"
    return file.read_text() if file.exists() else ""


def said(run: str) -> list[Any]:
    return json.loads(output(run).splitlines()[0])


def children() -> list[int]:
    """The processes of tunings, other than the nursery that these tests share."""
    found = psutil.Process().children(recursive=True)
    return [child.pid for child in found if "akidlab.train" in told(child) and child.pid not in NURSERIES]


def told(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.ZombieProcess:
        return "a zombie of akidlab.train"
    except psutil.NoSuchProcess:
        return ""


def test_each_instance_is_a_process_and_those_that_fail_leave_the_others_alone(home: dict[str, Any]) -> None:
    exec(ODD, home)
    hows = ["well", "raises", "dies", "exits", "well too"]

    with pytest.warns(TuningWarning, match="3 of 5 instances failed") as warned:
        found = tune(home["odd"], {"how": hows}, gpus=["4", "5"])

    assert found.how.tolist() == hows
    assert found.status.tolist() == ["finished", "failed", "failed", "failed", "finished"]
    assert found.exit_code.tolist() == [0, 1, -9, 3, 0]
    assert found.error[1] == "ZeroDivisionError: division by zero"
    assert found.error[2] == "Its process was killed by SIGKILL (perhaps the memory was full)."
    assert found.error[3] == "Its process ended with exit code 3, and without a word."
    assert "in odd\nZeroDivisionError: division by zero" in str(warned[0].message)
    assert "about to die" in str(warned[0].message)
    assert len({said(run)[0] for run in found.run}) == 5
    assert {said(run)[1] for run in found.run} == {"4", "5"}
    assert found.validation_loss[0] == found.validation_loss[4] == here(home)
    until(lambda: children() == [])


def here(home: dict[str, Any]) -> float:
    """What the same kid comes to in this process."""
    return tune(home["setup"], debug=True, name="here").validation_loss[0]


def test_an_interrupt_stops_all_and_what_was_stopped_can_be_resumed(
    home: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    exec(FOREVER, home)

    def press() -> None:
        until(lambda: len(runs()) == 2 and all(run.step > 5 for run in runs()))
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        tune(home["setup"], {"lr": [0.1, 0.2, 0.3]}, gpus=[], slots=2)
    steps = [run.step for run in runs()]

    assert [run.status for run in runs()] == ["stopped", "stopped"]
    until(lambda: children() == [])
    home["STEPS"] = max(steps) + 5
    found = tune(home["setup"], {"lr": [0.1, 0.2, 0.3]}, resume=True, gpus=[], slots=2)
    assert found.status.tolist() == ["finished"] * 3
    assert found.run.tolist() == ["tuning.0", "tuning.1", "tuning.2"]


def test_what_does_not_stop_is_ended(home: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "GRACE", 0.5)
    exec(DEAF, home)

    def press() -> None:
        until(lambda: len(runs()) == 1 and "deaf" in output(runs()[0].name))
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        tune(home["deaf"], gpus=[], slots=1)

    assert runs()[0].status == "stopped"
    until(lambda: children() == [])


def test_when_the_kernel_is_killed_the_instances_stop_saved(tmp_path: Path) -> None:
    script = FOREVER + "\nfrom akidlab.train import tune\ntune(setup, {'lr': [0.1]}, gpus=[])\n"
    (tmp_path / "script.py").write_text(script)
    kernel = subprocess.Popen([sys.executable, str(tmp_path / "script.py")], env=dict(os.environ))
    try:
        until(lambda: runs() and runs()[0].step > 5)
        offspring = psutil.Process(kernel.pid).children(recursive=True)
    finally:
        kernel.kill()
        kernel.wait()

    until(lambda: runs()[0].status == "stopped")
    until(lambda: not living(offspring))
    assert (runs()[0].folder / f"step-{runs()[0].step}.safetensors").exists()


def test_a_fresh_interpreter_does_what_a_fork_does(
    home: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "starter", Spawner)
    found = tune(home["setup"], gpus=[])

    assert found.status.tolist() == ["finished"]
    assert found.validation_loss[0] == here(home)


HOPELESS = """
def kid_of(x):
    kid = setup(0.1)
    kid.brain.objective = lambda inputs: sum(p.sum() for p in kid.brain.parameters()) * 0 + x
    return kid
"""


def test_a_search_goes_on_where_it_was(home: dict[str, Any]) -> None:
    how: dict[str, Any] = {"gpus": [], "slots": 1, "seed": 3, "metric": "validation_accuracy"}
    found = search(home["setup"], {"lr": (0.0, 1.0)}, trials=4, pruner=None, **how)
    more = search(home["setup"], {"lr": (0.0, 1.0)}, trials=5, resume=True, **how)

    assert found.status.tolist() == ["finished"] * 4
    assert found.value.tolist() == [runs()[run].scalars("validation_accuracy").best for run in found.run]
    assert more.lr.tolist()[:4] == found.lr.tolist()
    assert more.value.tolist()[:4] == found.value.tolist()
    assert more.run.tolist()[4] == "search.4"


def test_a_search_ends_what_is_hopeless(home: dict[str, Any]) -> None:
    exec(HOPELESS, home)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=2)
    found = search(home["kid_of"], {"x": (0.0, 1.0)}, trials=8, gpus=[], slots=1, pruner=pruner)
    best = found.x[:2].min()

    assert found.value.tolist() == pytest.approx(found.x.tolist())
    assert set(found.step[found.status == "pruned"]) == {5}
    assert set(found.step[found.status == "finished"]) == {20}
    assert all(found.x[found.status == "pruned"] > best)


def test_a_search_that_was_interrupted_goes_on_with_what_was_stopped(home: dict[str, Any]) -> None:
    exec(
        "def stops(lr):\n    kid = setup(lr)\n    kid.hooks.on_val_log_step.append(stop)\n    return kid",
        home,
    )
    home["stop"] = cut
    how: dict[str, Any] = {"gpus": [], "slots": 1, "pruner": None}
    found = search(home["stops"], {"lr": (0.0, 1.0)}, trials=3, **how)
    home["stop"] = str
    more = search(home["stops"], {"lr": (0.0, 1.0)}, trials=4, resume=True, **how)

    assert (found.status.tolist(), found.step.tolist()) == (["stopped"] * 3, [10] * 3)
    assert (more.status.tolist(), more.step.tolist()) == (["finished"] * 4, [20] * 4)
    assert more.lr.tolist()[:3] == found.lr.tolist()
    assert more.run.tolist() == ["search.0", "search.1", "search.2", "search.3"]


def cut(kid: Any) -> None:
    if kid.step == 10:
        kid.controls.send("stop")


def test_a_nursery_has_no_threads_and_touches_no_accelerator() -> None:
    """Neither would live on in a fork."""
    script = """
import os, torch
def touched(*_): raise AssertionError("an accelerator was looked for")
torch.cuda.is_available = torch.cuda.device_count = touched
from akidlab.train import nursery
nursery._load()
print(len(os.listdir("/proc/self/task")), torch.cuda._is_in_bad_fork())
"""
    env = {**os.environ, **ALONE}
    said = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True)

    assert (said.stdout.split(), said.stderr) == (["1", "False"], "")


def test_a_template_that_asks_for_input_gets_none(home: dict[str, Any]) -> None:
    exec("def asks():\n    return input()", home)

    with pytest.warns(TuningWarning, match="EOFError"):
        assert tune(home["asks"], gpus=[]).error.tolist() == ["EOFError: EOF when reading a line"]


def test_a_metric_that_is_not_there_ends_the_search(home: dict[str, Any]) -> None:
    with pytest.raises(UnknownNameError, match=r"metric `validation_los`. Did you mean `validation_loss`"):
        search(home["setup"], {"lr": (0.0, 1.0)}, trials=3, metric="validation_los", gpus=[], slots=1)
    assert len(runs()) == 1
    until(lambda: children() == [])
