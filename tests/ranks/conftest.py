"""Two warm ranks of each launcher, shared by the tests: a cold start takes seconds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cloudpickle
import psutil
import pytest

from akidlab.dispatch import Job, Outcome, Pool, Task
from akidlab.store import Run, Store
from akidlab.worker import Assignment
from tests.patience import PATIENCE, until

NUMBER = """
import os
number = int(os.environ.get("HOROVOD_RANK") or os.environ["RANK"])  # which rank this is, whatever started it
"""
CELL = """
from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
from akidlab.models.brains import OneLayerBrain

kid = Kid(
    FeedSensor(DigitsSource(), batch_size=64), OneLayerBrain(), MomentumKongFu(lr=0.1),
    max_steps=STEPS, val_log_step=1000, train_log_step=10,
)
"""


def cell(steps: int = 20, extra: str = "") -> str:
    """A cell that makes a small kid."""
    return CELL.replace("STEPS", str(steps)) + extra


class Ranks:
    """A pool, and what tests ask of it again and again."""

    def __init__(self, pool: Pool, runtime: Path) -> None:
        self.pool, self.runtime = pool, runtime
        self.output: list[tuple[int, str, str]] = []

    def submit(self, source: str, options: dict[str, object] | None = None, **assignment: object) -> Job:
        """Hand a cell to the ranks."""
        task = Task(
            "run",
            os.environ["AKID_RUNS"],
            cloudpickle.dumps(Assignment(source, "<cell 1>", **assignment)),  # type: ignore[arg-type]
            options=options or {},
        )
        return self.pool.submit(task)

    def do(self, source: str, **assignment: object) -> Outcome:
        """Have the ranks do a cell."""
        return self.wait(self.submit(source, **assignment))

    def wait(self, job: Job) -> Outcome:
        """Wait for a job, and gather what the ranks write."""
        self.output.clear()
        return job.wait(2 * PATIENCE, on_output=lambda *piece: self.output.append(piece))

    def said(self, rank: int) -> str:
        """What a rank wrote in the last run."""
        return "".join(text for number, _, text in self.output if number == rank)

    def pids(self) -> list[int]:
        """The processes of the ranks, once they are ready."""
        self.pool.wait_ready()
        return [rank["pid"] for rank in self.pool.describe()["ranks"]]


def run_of(job: Job) -> Run:
    """The run of a job in the store."""
    return Store(os.environ["AKID_RUNS"]).run(job.uid)


def under_way(job: Job) -> Run:
    """The run of a job, once it has made a step."""
    run = run_of(job)
    until(lambda: run.step > 0 or not run.is_live)
    assert run.is_live, run.look()
    return run


def family(pid: int) -> list[psutil.Process]:
    """A process and all that came of it."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


@pytest.fixture(scope="session")
def _shared_pool(launcher: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ranks]:
    folder = tmp_path_factory.mktemp(f"pool-{launcher}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKIDLAB_RUNTIME", str(folder / "runtime"))
        env = {"OMP_NUM_THREADS": "1", "SECRET_OF_MINE": "cauliflower"}
        pool = Pool.start(2, project=folder, launcher=launcher, env=env)
    yield Ranks(pool, folder / "runtime")
    pool.stop()


@pytest.fixture
def ranks(_shared_pool: Ranks, monkeypatch: pytest.MonkeyPatch) -> Ranks:
    monkeypatch.setenv("AKIDLAB_RUNTIME", str(_shared_pool.runtime))
    _shared_pool.pool.wait_ready()
    return _shared_pool
