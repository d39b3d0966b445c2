"""A soak: dispatches in a row, half of them stopped, interrupted or killed: `python -m tests.ranks.soak`.

The table tells, after every tenth dispatch, what the pool and this process hold: processes, open files and
sockets, files in shared memory and in the runtime folder, and their memory. None of it may grow. Then the
pool is stopped, and nothing may be left.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cloudpickle
import psutil

from akidlab.dispatch import Job, Pool, Task
from akidlab.messages import Command
from akidlab.store import Run, Store
from akidlab.worker import Assignment
from tests.patience import until

STEPS = 80
CELL = f"""
import time
from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
from akidlab.models.brains import OneLayerBrain

kid = Kid(
    FeedSensor(DigitsSource(), batch_size=64), OneLayerBrain(), MomentumKongFu(lr=0.1),
    max_steps={STEPS}, val_log_step={STEPS},
)
kid.hooks.on_batch_end.append(lambda kid: time.sleep(0.005))
"""
MEMORY = Path("/dev/shm")
ACTS = ("stop", "interrupt", "kill")
HEADER = (
    "dispatches",
    "processes",
    "open files",
    "sockets",
    "shared memory",
    "runtime files",
    "supervisor",
    "ranks",
    "kernel",
)


@dataclass(frozen=True)
class Holdings:
    """What the pool and this process hold."""

    processes: int
    files: int
    sockets: int
    shared: int
    runtime: int
    supervisor: float
    ranks: float
    kernel: float

    def cells(self) -> list[str]:
        """As text; memory in MB."""
        counts = [self.processes, self.files, self.sockets, self.shared, self.runtime]
        return [*map(str, counts), *(f"{mb:.0f} MB" for mb in (self.supervisor, self.ranks, self.kernel))]


class Soak:
    """Dispatches on one pool, and what becomes of each.

    Args:
        pool: the ranks.
        runtime: where the connection files lie.
        seed: of the acts and their moments.
    """

    def __init__(self, pool: Pool, runtime: Path, seed: int = 0) -> None:
        self.pool, self.runtime, self.chance = pool, runtime, random.Random(seed)
        self.before = {path.name for path in MEMORY.glob("sem.mp-*")}

    def dispatch(self, act: str | None) -> Run:
        """One training; at a random moment of it, something is done to it.

        Raises:
            AssertionError: if it does not end as it shall.
        """
        task = Task("soak", os.environ["AKID_RUNS"], cloudpickle.dumps(Assignment(CELL)))
        job = self.pool.submit(task)
        run = Store().run(job.uid)
        if act is not None:
            step = self.chance.randrange(STEPS // 2)
            until(lambda: run.step > step or not run.is_live)
            self._act(job, act)
        status = job.wait(300).status
        expected = ("finished",) if act in (None, "kill") else ("stopped", "finished")
        assert status in expected, f"{status} after {act}"
        steps = run.scalars("loss").steps.tolist()
        assert len(steps) == len(set(steps))
        assert status == "stopped" or len(steps) == STEPS
        run.store.close()
        return run

    def _act(self, job: Job, act: str) -> None:
        if act == "stop":
            job.command(Command("stop"))
        elif act == "interrupt":
            job.interrupt()
        else:
            psutil.Process(self.chance.choice(self.pool.describe()["ranks"])["pid"]).kill()

    def holds(self) -> Holdings:
        """What is held once everything is at rest."""
        self.pool.wait_ready()
        supervisor = psutil.Process(self.pool.pid)
        ranks = [psutil.Process(rank["pid"]) for rank in self.pool.describe()["ranks"]]
        family = [supervisor, *supervisor.children(recursive=True), psutil.Process()]
        return Holdings(
            len(family) - 1,
            sum(process.num_fds() for process in family),
            sum(len(process.net_connections()) for process in family),
            len(self._shared()),
            len(list(self.runtime.iterdir())),
            _megabytes(supervisor),
            max(map(_megabytes, ranks)),
            _megabytes(psutil.Process()),
        )

    def left(self) -> list[str]:
        """What is left of a pool that was stopped; nothing, if all is well."""
        processes = [str(process) for process in _of(self.runtime)]
        files = [path.name for path in self.runtime.iterdir() if path.suffix != ".log"]
        return processes + files + self._shared()

    def _shared(self) -> list[str]:
        """Commits of this pool, and semaphores of whatever started its ranks."""
        found = {path.name for path in MEMORY.glob("sem.mp-*")} - self.before - self._of_others()
        return sorted(found | {path.name for path in MEMORY.glob(f"akidlab-{self.pool.pid}-*")})

    def _of_others(self) -> set[str]:
        """Semaphores of what else runs on this machine."""
        ours = {process.pid for process in _of(self.runtime)} | {os.getpid()}
        found: set[str] = set()
        for process in psutil.process_iter():
            if process.pid not in ours:
                with suppress(psutil.Error):
                    paths = (Path(area.path) for area in process.memory_maps())
                    found |= {path.name for path in paths if path.name.startswith("sem.mp-")}
        return found


def soak(
    times: int, launcher: str, runtime: Path, seed: int = 0, every: int = 10
) -> tuple[list[Holdings], list[str]]:
    """So many dispatches in a row: what was held after every tenth, and what was left at the end."""
    found = []
    with Pool.start(2, launcher=launcher) as pool:
        trial = Soak(pool, runtime)
        for number in range(times):
            trial.dispatch(trial.chance.choice(ACTS) if number % 2 else None)
            if (number + 1) % every == 0:
                time.sleep(1.0)  # for whatever a lost rank has left to end
                found.append(trial.holds())
                print("|", number + 1, "|", " | ".join(found[-1].cells()), "|", flush=True)
    with suppress(AssertionError):
        until(lambda: not trial.left(), 10)
    return found, trial.left()


def _of(runtime: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and str(runtime) in process.environ().get("AKIDLAB_RUNTIME", ""):
                yield process


def _megabytes(process: psutil.Process) -> float:
    return process.memory_full_info().uss / 1e6


def main() -> None:
    """Soak, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.ranks.soak", description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--launcher", default="horovod")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder, "runtime")
        os.environ.update(AKID_RUNS=f"{folder}/runs", AKIDLAB_RUNTIME=str(runtime), OMP_NUM_THREADS="1")
        print("| " + " | ".join(HEADER) + " |\n" + "|---" * len(HEADER) + "|")
        began = time.monotonic()
        _, left = soak(asked.times, asked.launcher, runtime)
    print(
        f"\n{asked.launcher}: {time.monotonic() - began:.0f} s; left behind: {', '.join(left) or 'nothing'}"
    )


if __name__ == "__main__":
    main()
