"""What is asked of a pool before anything starts."""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from akidlab.config import runtime_path
from akidlab.dispatch import Pool, Task
from akidlab.errors import DispatchError, UnknownNameError
from akidlab.wire import Listener


@pytest.mark.parametrize("np", [0, -1])
def test_a_pool_has_one_rank_or_more(np: int) -> None:
    with pytest.raises(DispatchError, match=rf"A pool has one rank or more, found -np {np}"):
        Pool.start(np)


def test_an_unknown_launcher_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"There is no launcher `horovodd`. Did you mean `horovod`"):
        Pool.start(1, launcher="horovodd")


def test_where_horovod_is_absent_it_says_how_to_install_it() -> None:
    without = "import sys\nsys.modules['horovod'] = None\nfrom akidlab.dispatch import Pool\nPool.start(2)\n"
    said = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True).stderr

    assert "DispatchError: Horovod is not installed here" in said
    assert "akidlab install-horovod" in said


@pytest.mark.ranks
def test_more_ranks_than_cores_are_allowed_with_a_warning(tmp_path: Path) -> None:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        with pytest.warns(UserWarning, match="2 ranks share the 1 cores of this machine"):
            pool = Pool.start(2, project=tmp_path)
    finally:
        os.sched_setaffinity(0, cores)

    assert pool.describe()["size"] == 2
    pool.stop()


@pytest.mark.ranks
def test_a_supervisor_that_cannot_start_shows_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "zmq.py").write_text("raise ImportError('this is no zmq')")
    with pytest.raises(DispatchError, match=r"(?s)supervisor of the pool did not start.*this is no zmq"):
        Pool.start(1, project=tmp_path)

    assert [path.suffix for path in runtime_path().iterdir()] == [".log"]


@pytest.fixture
def listener() -> Iterator[Listener]:
    """What answers like the supervisor of a pool."""
    info: dict[str, object] = {
        "size": 2, "project": "/somewhere", "launcher": "mine", "log": "", "variables": '{"A": "1"}',
    }  # fmt: skip
    said = {"ok": True, "name": "run", "waits_for": "ahead", "state": "ready"}
    with Listener(lambda request, peer: said, kind="pool", uid="a1", info=info) as listener:
        yield listener


def test_a_pool_does_not_keep_the_weights_of_jobs_that_nobody_holds(listener: Listener) -> None:
    pool = Pool(listener.connection)
    job = pool.submit(Task("run", "store", b""))
    kept = weakref.ref(job)
    del job
    pool.close()

    assert kept() is None


def test_a_job_knows_what_it_waits_for(listener: Listener) -> None:
    pool = Pool(listener.connection)
    job = pool.submit(Task("asked", "store", b""))
    pool.close()

    assert (job.name, job.waits_for) == ("run", "ahead")


def test_a_pool_of_another_size_is_started_like_the_one_before(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[int, dict[str, object]]] = []
    monkeypatch.setattr(Pool, "start", lambda np, **options: started.append((np, options)))
    monkeypatch.setattr(Pool, "stop", Pool.close)
    Pool(listener.connection).resize(3, idle=5.0)

    like = {"project": Path("/somewhere"), "launcher": "mine", "env": {"A": "1"}, "on_output": None}
    like |= {"hosts": None}
    assert started == [(3, {**like, "idle": 5.0})]


@pytest.mark.parametrize("env", [None, {"A": "1"}])
@pytest.mark.parametrize("launcher", [None, "mine"])
def test_a_living_pool_with_the_launcher_and_the_variables_that_are_asked_for_is_used(
    listener: Listener, launcher: str | None, env: dict[str, str] | None
) -> None:
    pool = Pool.start(2, project="/somewhere", launcher=launcher, env=env)
    pool.close()

    assert pool.uid == "a1"


def test_a_living_pool_with_other_variables_is_not_used(listener: Listener) -> None:
    with pytest.raises(UnknownNameError, match="There is no launcher `mine`"):  # that would start another
        Pool.start(2, project="/somewhere", launcher="mine", env={"A": "2"})


def test_a_living_pool_of_another_launcher_is_not_used(listener: Listener) -> None:
    with pytest.raises(UnknownNameError, match="There is no launcher `theirs`"):
        Pool.start(2, project="/somewhere", launcher="theirs")


def test_a_pool_that_was_closed_says_so_at_once(listener: Listener) -> None:
    pool = Pool(listener.connection)
    pool.close()

    with pytest.raises(DispatchError, match="This end of `pool` a1 has hung up"):
        pool.describe()
