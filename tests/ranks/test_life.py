"""How pools begin and end: nothing is left behind, whoever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cloudpickle
import psutil
import pytest

from akidlab.config import runtime_path
from akidlab.dispatch import Pool, Task
from akidlab.errors import DispatchError
from akidlab.messages import Command
from akidlab.store import Run, Store
from akidlab.wire import Connection, send_command
from akidlab.worker import Assignment
from tests.patience import PATIENCE, until
from tests.processes import living
from tests.ranks.conftest import cell, family, under_way

pytestmark = pytest.mark.ranks

OWNER = """
import json, os, sys, cloudpickle
from akidlab.dispatch import Pool, Task
from akidlab.worker import Assignment
pool = Pool.start(1, project=os.environ["AKID_RUNS"] + "/..", idle=float(sys.argv[2]))
pool.wait_ready()
job = pool.submit(Task("orphan", os.environ["AKID_RUNS"], cloudpickle.dumps(Assignment(sys.argv[1]))))
print(json.dumps([pool.pid, job.uid]), flush=True)
os._exit(0)
"""

WAIT = """
import os, time
def wait(kid):
    while not os.path.exists({flag!r}):
        time.sleep(0.01)
kid.hooks.on_batch_begin.append(wait)
"""


def orphan(source: str, idle: float = 600.0) -> tuple[Run, list[psutil.Process]]:
    """A run whose kernel has died, and the processes that it goes on in."""
    command = [sys.executable, "-c", OWNER, source, str(idle)]
    owner = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=2 * PATIENCE)
    supervisor, uid = json.loads(owner.stdout)
    return Store().run(uid), family(supervisor)


def test_a_stop_leaves_no_process_and_no_file(tmp_path: Path, launcher: str) -> None:
    with Pool.start(2, project=tmp_path, launcher=launcher) as pool:
        pool.wait_ready()
        processes = family(pool.pid)

    assert len(processes) >= 4
    until(lambda: not living(processes))
    assert [path.suffix for path in runtime_path().iterdir()] == [".log"]
    with pytest.raises(DispatchError, match="The pool of 2 ranks is gone"):
        pool.describe()


def test_who_waits_for_a_run_hears_that_another_process_stopped_its_pool(tmp_path: Path) -> None:
    pool = Pool.start(1, project=tmp_path)
    task = Task("long", os.environ["AKID_RUNS"], cloudpickle.dumps(Assignment(cell(1_000_000))))
    job, waiting = pool.submit(task), pool.submit(replace(task, uid="b" * 32, name="next"))
    run = under_way(job)
    code = f"from akidlab.dispatch import Pool\nprint(Pool.find({str(tmp_path)!r})[0].stop())"
    stopped = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert stopped == "['long', 'next']\n"
    for one in (job, waiting):
        why = rf"`{one.name}` was stopped, and not by this notebook\. Its pool left: process \d+ asked it to"
        with pytest.raises(DispatchError, match=rf"{why}.* `%akid_train --resume {one.name}` goes on"):
            one.wait(PATIENCE)
    assert run.status == "stopped"
    assert (run.folder / f"step-{run.step}.safetensors").exists()
    pool.close()


def test_a_pool_that_leaves_is_waited_for_and_a_new_one_starts(tmp_path: Path) -> None:
    leaving = Pool.start(1, project=tmp_path)
    leaving.wait_ready()
    leaving.ask({"kind": "stop", "pid": os.getpid()})
    with Pool.start(1, project=tmp_path) as pool:
        assert (leaving.alive, pool.uid == leaving.uid) == (False, False)
        pool.wait_ready()
    leaving.close()


def test_who_stops_a_pool_or_its_run_is_told_calmly(tmp_path: Path) -> None:
    pool = Pool.start(1, project=tmp_path)
    task = Task("long", os.environ["AKID_RUNS"], cloudpickle.dumps(Assignment(cell(1_000_000))))
    job = pool.submit(task)
    under_way(job)

    assert pool.stop() == ["long"]
    assert job.wait(PATIENCE).status == "stopped"


def test_the_environment_lies_in_no_file_once_the_ranks_have_read_it(tmp_path: Path) -> None:
    left = runtime_path() / "pool-killed.env"
    left.write_text("{}")
    with Pool.start(1, project=tmp_path) as pool:
        pool.wait_ready()
        suffixes = {path.suffix for path in runtime_path().iterdir()}

    assert suffixes == {".json", ".log"}


def test_a_stop_does_not_wait_for_the_start(tmp_path: Path) -> None:
    pool = Pool.start(1, project=tmp_path)
    processes = family(pool.pid)
    pool.stop()

    until(lambda: not living(processes))


def test_ranks_leave_when_their_supervisor_is_killed(tmp_path: Path, launcher: str) -> None:
    pool = Pool.start(2, project=tmp_path, launcher=launcher)
    task = Task("run", os.environ["AKID_RUNS"], cloudpickle.dumps(Assignment(cell(1_000_000))))
    job = pool.submit(task)
    run = under_way(job)
    processes = family(pool.pid)
    os.kill(pool.pid, signal.SIGKILL)
    with pytest.raises(DispatchError, match=r"The supervisor of run `run` \(process \d+\) is gone"):
        job.wait(PATIENCE)

    until(lambda: not living(processes))
    assert run.status == "lost"
    assert Connection.find("pool") == []
    assert not pool.alive
    pool.close()


def test_a_run_outlives_its_kernel_and_the_pool_leaves_after_it(tmp_path: Path) -> None:
    run, processes = orphan(cell(200, WAIT.format(flag=str(tmp_path / "flag"))))
    (tmp_path / "flag").touch()

    until(lambda: run.status == "finished")
    assert run.step == 200
    assert (run.folder / "step-200.safetensors").exists()
    until(lambda: not living(processes))


def test_a_paused_run_without_a_kernel_is_saved_and_stopped_and_its_pool_leaves(tmp_path: Path) -> None:
    run, processes = orphan(cell(1_000_000), idle=1.0)
    until(lambda: run.step > 0)
    send_command(run.uid, Command("pause"))

    until(lambda: run.status == "stopped")
    assert (run.folder / f"step-{run.step}.safetensors").exists()
    assert "with no notebook left: it was saved and stopped" in run.warnings[0]
    assert [event.kind for event in run.events() if event.kind in ("pause", "stop")] == ["pause", "stop"]
    until(lambda: not living(processes))


def test_an_idle_pool_leaves(tmp_path: Path) -> None:
    pool = Pool.start(1, project=tmp_path, idle=0.5)

    until(lambda: not pool.alive)
    assert "is ready" in pool.log.read_text()
    assert "nobody had a task for 0.5 s" in pool.log.read_text()
    pool.close()


def test_ranks_that_cannot_start_say_why(tmp_path: Path, launcher: str) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('this is no torch')")
    pool = Pool.start(2, project=tmp_path, launcher=launcher)
    with pytest.raises(DispatchError, match=r"(?s)ended before they were ready.*this is no torch"):
        pool.wait_ready()

    until(lambda: not pool.alive)
    pool.close()


def test_ranks_that_do_not_start_in_time_are_given_up(tmp_path: Path) -> None:
    pool = Pool.start(1, project=tmp_path, patience=0.1)
    processes = family(pool.pid)
    with pytest.raises(DispatchError, match=r"were not ready within 0\.1 s"):
        pool.wait_ready()

    until(lambda: not living(processes))
    pool.close()
