"""What is asked of a pool before anything starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from akidlab.config import runtime_path
from akidlab.dispatch import Pool
from akidlab.errors import DispatchError, UnknownNameError


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
    from akidlab.dispatch.launcher import slots

    many = slots() + 1
    with pytest.warns(UserWarning, match=f"{many} ranks share the {slots()} cores of this machine"):
        pool = Pool.start(many, project=tmp_path)

    assert pool.describe()["size"] == many
    pool.stop()


@pytest.mark.ranks
def test_a_supervisor_that_cannot_start_shows_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "zmq.py").write_text("raise ImportError('this is no zmq')")
    with pytest.raises(DispatchError, match=r"(?s)supervisor of the pool did not start.*this is no zmq"):
        Pool.start(1, project=tmp_path)

    assert [path.suffix for path in runtime_path().iterdir()] == [".log"]
