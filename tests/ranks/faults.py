"""Faults, injected at random moments of trainings on MNIST: `python -m tests.ranks.faults --times 20`.

A convolutional brain learns on two ranks. Each fault strikes once in a training; another training is left
alone. The table tells what became of the runs; how many steps were made again; whether any was recorded
twice, or not at all; how long it took, once the loss was known, until the run went on, and how long it stood
still altogether, with what finding the fault took; the accuracy; and whether the weights are the same bits.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cloudpickle
import numpy as np

from akidlab.dispatch import Pool, Task
from akidlab.store import Run, Store
from akidlab.worker import Assignment

if TYPE_CHECKING:
    from akidlab.dispatch import Outcome

CELL = """
import os, pathlib, time
from akidlab import FeedSensor, Kid, MNISTFeedSource, MomentumKongFu
from akidlab.models.brains import OneLayerBrain

number = int(os.environ.get("HOROVOD_RANK") or os.environ["RANK"])

def due(kid, name):
    if number != RANK or kid.step != STEP or not FAULT == name:
        return False
    try:
        pathlib.Path(FOLDER, "done").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True

def strike(kid):
    if due(kid, "killed"):
        os.kill(os.getpid(), 9)
    if due(kid, "stopped"):
        os.kill(os.getpid(), 19)
    if due(kid, "out of memory"):  # as the kernel ends who takes too much
        held = [bytearray(1 << 20) for _ in range(64)]
        os.kill(os.getpid(), 9)
    if due(kid, "stuck"):
        time.sleep(3600)
    if due(kid, "mismatched collectives"):
        kid.engine.sum({"mine": 1.0})
    if due(kid, "dead host"):
        for process in HOST():
            process.kill()

def HOST():
    import psutil
    parents = psutil.Process().parents()
    launcher = next((p for p in parents if "worker.cradle" in " ".join(p.cmdline())), parents[0])
    return [launcher, *launcher.children(recursive=True)]

source = MNISTFeedSource(num_train=20000, num_val=2000, center=True, scale=True)
kid = Kid(
    FeedSensor(source, batch_size=64), OneLayerBrain(), MomentumKongFu(lr=0.01),
    max_steps=STEPS, val_log_step=STEPS, save_chk_point=False,
)
kid.hooks.on_batch_end.append(strike)
"""
FAULTS = ("killed", "stopped", "out of memory", "stuck", "mismatched collectives", "dead host")
HEADER = (
    "fault",
    "runs finished",
    "steps lost (most)",
    "recorded twice",
    "resumed in",
    "stood still",
    "accuracy",
    "same bits",
)


@dataclass
class Row:
    """What became of the trainings with one fault."""

    fault: str
    finished: int = 0
    total: int = 0
    lost: list[int] = field(default_factory=list)
    twice: int = 0
    missing: int = 0
    seconds: list[float] = field(default_factory=list)
    still: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    equal: int = 0

    def cells(self) -> list[str]:
        """The row, as text."""
        seconds, still = (
            f"{statistics.median(found):.1f} s" if found else "-" for found in (self.seconds, self.still)
        )
        return [
            self.fault,
            f"{self.finished} of {self.total}",
            str(max(self.lost)) if self.lost else "-",
            str(self.twice + self.missing),
            seconds,
            still,
            f"{statistics.mean(self.accuracy):.4f}" if self.accuracy else "-",
            f"{self.equal} of {self.total}",
        ]


class Trial:
    """Trainings on a pool of two ranks.

    Args:
        pool: the ranks.
        steps: of each training.
        commit_every: steps between commits.
    """

    def __init__(self, pool: Pool, steps: int, commit_every: int | None) -> None:
        self.pool, self.steps, self.commit_every = pool, steps, commit_every
        self.expected: dict[str, Any] = {}

    def train(self, fault: str, rank: int, step: int) -> tuple[Run, Outcome | None]:
        """One training, with a fault on a rank after a step."""
        with tempfile.TemporaryDirectory() as folder:
            facts = {"RANK": rank, "STEP": step, "FAULT": fault, "FOLDER": folder, "STEPS": self.steps}
            source = "".join(f"{name} = {value!r}\n" for name, value in facts.items()) + CELL
            options: dict[str, Any] = {"patience": 5.0}
            options |= {} if self.commit_every is None else {"commit_every": self.commit_every}
            task = Task(
                "fault", os.environ["AKID_RUNS"], cloudpickle.dumps(Assignment(source)), options=options
            )
            job = self.pool.submit(task)
            run = Store().run(job.uid)
            try:
                return run, job.wait(300)
            except Exception as error:
                print(f"{fault}, rank {rank}, step {step}: {error}", flush=True)
                return run, None

    def count(self, row: Row, run: Run, outcome: Outcome | None) -> None:
        """Add a training to its row."""
        from akidlab.kids import checkpoint

        row.total += 1
        if outcome is None or outcome.status != "finished" or outcome.weights is None:
            return
        row.finished += 1
        steps = run.scalars("loss").steps.tolist()
        row.twice += len(steps) - len(set(steps))
        row.missing += self.steps - len(set(steps))
        row.accuracy.append(float(run.scalars("validation_accuracy").values[-1]))
        for resumed in run.events("resumed"):
            row.lost.append(int(str(resumed.data["steps_lost"])))
            row.seconds.append(float(str(resumed.data["seconds"])))
            row.still.append(float(np.diff([run.started or run.created, *run.scalars("loss").times]).max()))
        weights = checkpoint.read(outcome.weights)[0]
        self.expected = self.expected or weights
        row.equal += all(weights[name].equal(self.expected[name]) for name in self.expected)


def measure(
    times: int,
    steps: int,
    launcher: str = "horovod",
    *,
    faults: Sequence[str] = FAULTS,
    commit_every: int | None = None,
    seed: int = 0,
) -> list[Row]:
    """Every fault so many times, after an undisturbed training.

    Args:
        times: how often each.
        steps: of a training.
        launcher: what starts the ranks.
        faults: which.
        commit_every: steps between commits; as many as cost a hundredth of the time if left out.
        seed: of the moments.
    """
    drawn, rows = random.Random(seed), [Row("none"), *map(Row, faults)]
    with Pool.start(2, launcher=launcher) as pool:
        trial = Trial(pool, steps, commit_every)
        trial.count(rows[0], *trial.train("none", 0, 0))
        for number in range(times):
            for row in rows[1:]:
                trial.count(row, *trial.train(row.fault, drawn.randrange(2), drawn.randrange(1, steps)))
                print(f"{number + 1}/{times}", *row.cells(), sep=" | ", flush=True)
    return rows


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.ranks.faults", description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--launcher", default="horovod")
    parser.add_argument("--commit-every", type=int)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            AKID_RUNS=f"{folder}/runs", AKIDLAB_RUNTIME=f"{folder}/runtime", OMP_NUM_THREADS="1"
        )
        began = time.monotonic()
        rows = measure(asked.times, asked.steps, asked.launcher, commit_every=asked.commit_every)
    print(f"\n{asked.launcher}, {asked.times} times, {time.monotonic() - began:.0f} s\n")
    print("| " + " | ".join(HEADER) + " |\n" + "|---" * len(HEADER) + "|")
    for row in rows:
        print("| " + " | ".join(row.cells()) + " |")


if __name__ == "__main__":
    main()
