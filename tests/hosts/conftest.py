"""Two hosts, and pools on them, for each launcher."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import cloudpickle
import pytest

from akidlab.dispatch import Job, Pool, Task
from akidlab.dispatch.hosts import Hosts
from akidlab.worker import Assignment
from tests.hosts.network import Network, network, why_not
from tests.hosts.slow import Slow

REASON = why_not()


@pytest.fixture(scope="session")
def _network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    if REASON is not None:
        pytest.skip(REASON)
    with network(tmp_path_factory.mktemp("network"), ["a", "b"]) as made:
        yield made


@pytest.fixture
def net(_network: Network, monkeypatch: pytest.MonkeyPatch) -> Network:
    """Two hosts, which `ssh` knows; each is there again if a test let it die."""
    monkeypatch.setenv("PATH", _network.path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    _network.mend()
    return _network


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of a notebook, with a module."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "mine.py").write_text("LAYERS = 3\n")
    return folder


@pytest.fixture
def slow(tmp_path: Path) -> Slow:
    """A run that waits for the test."""
    return Slow(tmp_path)


@pytest.fixture
def start(net: Network, project: Path) -> Iterator[Callable[..., Pool]]:
    """Starts pools, and stops them."""
    with ExitStack() as stack:

        def started(np: int, **options: object) -> Pool:
            return stack.enter_context(Pool.start(np, project=project, **options))  # type: ignore[arg-type]

        yield started


def on(net: Network, *slots: int) -> Hosts:
    """The hosts, with so many slots each."""
    named = zip(net.hosts, slots, strict=False)
    return Hosts({host.address: n for host, n in named if n}, identity=str(net.folder / "user_key"))


def submit(pool: Pool, source: str, **options: object) -> Job:
    """Hand a cell to the ranks."""
    assignment = cloudpickle.dumps(Assignment(source, "<cell 1>"))
    return pool.submit(Task("run", os.environ["AKID_RUNS"], assignment, options=dict(options)))
