"""How pools begin and end: nothing is left behind, whoever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cloudpickle
import psutil
import pytest

from akidlab.config import runtime_path
from akidlab.dispatch import Pool, Task
from akidlab.errors import DispatchError
from akidlab.store import Store
from akidlab.wire import Connection
from akidlab.worker import Assignment
from tests.ranks.conftest import cell, family, living, under_way, until

pytestmark = pytest.mark.ranks

OWNER = """
import json, os, sys, cloudpickle
from akidlab.dispatch import Pool, Task
from akidlab.worker import Assignment
pool = Pool.start(1, project=os.environ["AKID_RUNS"] + "/..")
pool.wait_ready()
job = pool.submit(Task("orphan", os.environ["AKID_RUNS"], cloudpickle.dumps(Assignment(sys.argv[1]))))
print(json.dumps([pool.pid, job.uid]), flush=True)
os._exit(0)
"""


def test_a_stop_leaves_no_process_and_no_file(tmp_path: Path, launcher: str) -> None:
    with Pool.start(2, project=tmp_path, launcher=launcher) as pool:
        pool.wait_ready()
        processes = family(pool.pid)

    assert len(processes) >= 4
    assert living(processes) == []
    assert [path.suffix for path in runtime_path().iterdir()] == [".log"]
    with pytest.raises(DispatchError, match="The pool of 2 ranks is gone"):
        pool.describe()


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

    assert living(processes) == []


def test_ranks_leave_when_their_supervisor_is_killed(tmp_path: Path, launcher: str) -> None:
    pool = Pool.start(2, project=tmp_path, launcher=launcher)
    task = Task("run", os.environ["AKID_RUNS"], cloudpickle.dumps(Assignment(cell(1_000_000))))
    job = pool.submit(task)
    run = under_way(job)
    processes = family(pool.pid)
    os.kill(pool.pid, signal.SIGKILL)
    with pytest.raises(DispatchError, match=r"The supervisor of run `run` \(process \d+\) is gone"):
        job.wait(20)

    assert until(lambda: not living(processes), 10)
    assert run.status == "lost"
    assert Connection.find("pool") == []
    assert not pool.alive
    pool.close()


def test_a_run_outlives_its_kernel_and_the_pool_leaves_after_it(tmp_path: Path) -> None:
    owner = subprocess.run(
        [sys.executable, "-c", OWNER, cell(200)], stdout=subprocess.PIPE, text=True, check=True, timeout=60
    )
    supervisor, uid = json.loads(owner.stdout)
    processes = family(supervisor)
    run = Store().run(uid)

    assert until(lambda: run.status == "finished", 60)
    assert run.step == 200
    assert (run.folder / "step-200.safetensors").exists()
    assert until(lambda: not living(processes), 15)


def test_an_idle_pool_leaves(tmp_path: Path) -> None:
    pool = Pool.start(1, project=tmp_path, idle=0.5)

    assert until(lambda: not pool.alive, 60)
    assert "is ready" in pool.log.read_text()
    assert "nobody had a task for 0.5 s" in pool.log.read_text()
    pool.close()


def test_ranks_that_cannot_start_say_why(tmp_path: Path, launcher: str) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('this is no torch')")
    pool = Pool.start(2, project=tmp_path, launcher=launcher)
    with pytest.raises(DispatchError, match=r"(?s)ended before they were ready.*this is no torch"):
        pool.wait_ready()

    assert until(lambda: not pool.alive, 15)
    pool.close()


def test_ranks_that_do_not_start_in_time_are_given_up(tmp_path: Path) -> None:
    pool = Pool.start(1, project=tmp_path, patience=0.1)
    with pytest.raises(DispatchError, match=r"were not ready within 0\.1 s"):
        pool.wait_ready()
    processes = [psutil.Process(pool.pid)] if pool.alive else []

    assert until(lambda: not living(processes), 15)
    pool.close()
