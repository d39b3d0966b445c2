"""Dispatch: how long a cell waits for its first step on two ranks: cold, warm, and by `horovodrun`."""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rich.console import Console

RANKS = 2
PLAIN, COLD, WARM = "cold: horovodrun", "cold: pool", "warm: pool, without the step"
WARM_TARGET = 0.05  # seconds beyond the step
CELL = """
from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
from akidlab.models.brains import OneLayerBrain

kid = Kid(
    FeedSensor(DigitsSource(), batch_size=64), OneLayerBrain(), MomentumKongFu(lr=0.1),
    max_steps=20, val_log_step=1000,
)
"""
SCRIPT = f"""{CELL}
import time
kid.engine, kid.record = "horovod", False
kid.hooks.on_batch_end.append(lambda kid: int(kid.clock) == 1 and print("first", time.time(), flush=True))
kid.practice()
"""


def by_horovodrun(folder: Path) -> float:
    """Seconds until both ranks of a plain `horovodrun` have made the first step of the same work."""
    script = folder / "plain.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(Path(sysconfig.get_path("scripts")) / "horovodrun"), "-np", str(RANKS)]
    command += ["-H", f"localhost:{RANKS}", "--gloo", sys.executable, str(script)]
    began = time.time()
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout
    return max(float(line.split("first")[1]) for line in said.splitlines() if "first" in line) - began


def by_cold_pool(folder: Path) -> float:
    """Seconds from asking for a pool that is not there until the first step."""
    from akidlab.dispatch import Pool

    began = time.time()
    with Pool.start(RANKS, project=folder) as pool:
        return _first_step(_train(pool, folder)) - began


def by_warm_pool(pool: Any, folder: Path) -> tuple[float, float]:
    """Seconds from a cell until its first step, without the step; and the step."""
    began = time.time()
    run = _train(pool, folder)
    step = float(np.median(np.diff(run.scalars("loss").times)))
    return _first_step(run) - began - step, step


def _train(pool: Any, folder: Path) -> Any:
    import cloudpickle

    from akidlab.dispatch import Task
    from akidlab.store import Store
    from akidlab.worker import Assignment

    store = folder / "akid_runs"
    job = pool.submit(Task("bench", str(store), cloudpickle.dumps(Assignment(CELL))))
    job.wait(120)
    return Store(store).run(job.uid)


def _first_step(run: Any) -> float:
    return run.events("first_step")[0].time


def measure(cold_rounds: int = 3, warm_rounds: int = 20) -> list[tuple[str, list[float]]]:
    """Every measurement, in seconds; cold ones interleaved."""
    from akidlab.dispatch import Pool

    plain, cold, warm, steps = [], [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["AKIDLAB_RUNTIME"] = str(folder / "runtime")
        for _ in range(cold_rounds):
            plain.append(by_horovodrun(folder))
            cold.append(by_cold_pool(folder))
        with Pool.start(RANKS, project=folder) as pool:
            for number in range(warm_rounds + 2):
                latency, step = by_warm_pool(pool, folder)
                if number >= 2:
                    warm.append(latency)
                    steps.append(step)
    return [
        (PLAIN, plain),
        (COLD, cold),
        (WARM, warm),
        ("the step", steps),
    ]


def report(console: Console, quick: bool = False) -> bool:
    """Measure and print a table; True if a warm pool begins in time."""
    from rich.table import Table

    if importlib.util.find_spec("horovod") is None:
        console.print("Horovod is not installed here; run `akidlab install-horovod`.")
        return True
    rows = measure(1, 5) if quick else measure()
    medians = {label: statistics.median(seconds) for label, seconds in rows}
    targets = {COLD: f"about {medians[PLAIN]:.1f}", WARM: f"{WARM_TARGET:.3f}"}
    table = Table(title=f"From a cell to its first finished step on {RANKS} ranks", title_justify="left")
    for column in ("", "median s", "min s", "max s", "n", "target s"):
        table.add_column(column, justify="left" if not column else "right")
    for label, seconds in rows:
        figures = [medians[label], min(seconds), max(seconds)]
        table.add_row(
            label, *(f"{value:.4f}" for value in figures), str(len(seconds)), targets.get(label, "")
        )
    console.print(table)
    return medians[WARM] <= WARM_TARGET


def main() -> int:
    """Measure and print."""
    from rich.console import Console

    return 0 if report(Console()) else 1


if __name__ == "__main__":
    sys.exit(main())
