"""Dispatch: how long a cell waits for ranks, what the telling costs, and what ranks cost that wait.

Cold: from a command, or a cell, until the first step is made: plain `horovodrun`, `torchrun`, and a pool of
each launcher. Warm: from a cell until its first step, without the step, on ranks that have done nothing yet
and on such that have; and from its last step until the cell has returned. Streaming: steps of a LeNet that is
heard (and watched) against such that nobody hears, in turns. Idle: the share of a core that a rank takes.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

if TYPE_CHECKING:
    from rich.console import Console

RANKS = 2
FRESH, WARM, RETURN = 0.15, 0.03, 0.05  # seconds that are promised
STREAMING, IDLE = 1.02, 0.02
IDLING = 10.0  # seconds
CELL = """
from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
from akidlab.models.brains import OneLayerBrain

kid = Kid(
    FeedSensor(DigitsSource(), batch_size=64), OneLayerBrain(), MomentumKongFu(lr=0.1),
    max_steps=20, val_log_step=1000,
)
"""
SCRIPT = f"""{CELL}
import sys, time
kid.engine, kid.record = sys.argv[1], False
kid.hooks.on_batch_end.append(lambda kid: int(kid.clock) == 1 and print("first", time.time(), flush=True))
kid.practice()
"""
LENET = """
import time
import torch
from akidlab import ArraySource, FeedSensor, Kid, MomentumKongFu
from akidlab.models.brains import LeNet

x, y = torch.randn(1280, 1, 28, 28), torch.randint(0, 10, (1280,))
kid = Kid(
    FeedSensor(ArraySource((x, y)), batch_size=64), LeNet(), MomentumKongFu(lr=0.01),
    max_steps=STEPS, skip_validation=True, save_chk_point=False,
)
times, spent = [], {True: [], False: []}
heard = []

def turn(kid):
    times.append(time.perf_counter())
    if kid.step % 20:
        return
    muted = bool(heard)
    spent[not muted].append(times[-1] - times[-19])  # without the step that follows a change
    if muted:
        while heard:
            kid.bus.subscribe(heard.pop())
        WATCH
    else:
        kid.unwatch()
        heard.extend(each for each in kid.bus.subscribers if type(each).__name__ == "Forwarder")
        for each in heard:
            kid.bus.unsubscribe(each)

WATCH
kid.hooks.on_batch_end.append(turn)
kid.hooks.on_train_end.append(lambda kid: print("took", *(a / b for a, b in zip(spent[True], spent[False]))))
"""
Row = tuple[str, list[float], float | None]  # what, the measurements, and what is promised


def by_command(launcher: str, folder: Path) -> float:
    """Seconds until both ranks of a plain `horovodrun` or `torchrun` have made the first step of the same."""
    script = folder / "plain.py"
    script.write_text(SCRIPT)
    bin = Path(sysconfig.get_path("scripts"))
    command = {
        "horovod": [
            *(str(bin / "horovodrun"), "-np", str(RANKS), "-H", f"localhost:{RANKS}", "--gloo"),
            sys.executable,
        ],
        "torch": ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(RANKS)],
    }[launcher]
    began = time.time()
    said = subprocess.run(
        [sys.executable, *command, str(script), launcher],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ).stdout
    return max(float(line.split("first")[1]) for line in said.splitlines() if "first" in line) - began


def by_cold_pool(launcher: str, folder: Path) -> float:
    """Seconds from asking for a pool that is not there until the first step."""
    from akidlab.dispatch import Pool

    began = time.time()
    with Pool.start(RANKS, project=folder, launcher=launcher) as pool:
        return _first_step(_train(pool, folder)[0]) - began


def by_pool(pool: Any, folder: Path) -> tuple[float, float]:
    """Seconds from a cell until its first step, without the step; and from its last step to its end."""
    began = time.time()
    run, _, ended = _train(pool, folder)
    times = run.scalars("loss").times
    return _first_step(run) - began - float(np.median(np.diff(times))), ended - float(times[-1])


def streaming(pool: Any, folder: Path, turns: int, watch: str) -> list[float]:
    """The time of steps of a LeNet that is heard, by that of such that nobody hears, in turns."""
    source = LENET.replace("STEPS", str(40 * turns)).replace("WATCH", watch)
    said = _train(pool, folder, source)[1]
    return [float(ratio) for ratio in said.split("took")[1].split("\n")[0].split()]


def idling(pool: Any) -> list[float]:
    """The share of a core that each rank takes while it waits."""
    pool.wait_ready()
    ranks = [psutil.Process(rank["pid"]) for rank in pool.describe()["ranks"]]
    began, before = time.monotonic(), [_spent(rank) for rank in ranks]
    time.sleep(IDLING)
    return [(_spent(r) - spent) / (time.monotonic() - began) for r, spent in zip(ranks, before, strict=True)]


def measure(launcher: str, quick: bool) -> list[Row]:
    """Every measurement of a launcher, with what is promised; cold ones interleaved."""
    from akidlab.dispatch import Pool

    command = {"horovod": "horovodrun", "torch": "torchrun"}[launcher]
    plain, cold, fresh, warm, back, idle = [], [], [], [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(AKIDLAB_RUNTIME=str(folder / "runtime"), OMP_NUM_THREADS="1")
        for _ in range(1 if quick else 2):
            plain.append(by_command(launcher, folder))
            cold.append(by_cold_pool(launcher, folder))
        for _ in range(1 if quick else 3):
            with Pool.start(RANKS, project=folder, launcher=launcher) as pool:
                pool.wait_ready()
                first, _ = by_pool(pool, folder)
                later = [by_pool(pool, folder) for _ in range(3 if quick else 10)]
                fresh.append(first - statistics.median(start for start, _ in later))
                warm += [start for start, _ in later[1:]]
                back += [end for _, end in later[1:]]
        with Pool.start(RANKS, project=folder, launcher=launcher) as pool:
            idle += idling(pool)
            heard, watched = (
                streaming(pool, folder, 3 if quick else 20, watch)
                for watch in ("pass", "kid.watch(every=10)")
            )
    return [
        (f"cold: {command}, s", plain, None),
        ("cold: pool, s", cold, None),
        ("first cell on a fresh pool, beyond a warm one, s", fresh, FRESH),
        ("warm: to the first step, without it, s", warm, WARM),
        ("warm: from the last step to the end of the cell, s", back, RETURN),
        ("a step that is told, by one that nobody hears", heard, STREAMING),
        ("the same, and every tensor watched at each tenth", watched, None),
        ("an idle rank, share of a core", idle, IDLE),
    ]


def report(console: Console, quick: bool = False) -> bool:
    """Measure and print a table for each launcher; True if every promise is kept."""
    from rich.table import Table

    kept = True
    for launcher in ("horovod", "torch"):
        if importlib.util.find_spec(launcher) is None:
            console.print(f"There is no {launcher} here; run `akidlab install-{launcher}`.")
            continue
        table = Table(title=f"{RANKS} ranks, launcher {launcher}", title_justify="left")
        for column in ("", "median", "min", "max", "n", "promised"):
            table.add_column(column, justify="left" if not column else "right")
        for label, found, promised in measure(launcher, quick):
            figures = [statistics.median(found), min(found), max(found)]
            kept = kept and (promised is None or figures[0] <= promised)
            said = "" if promised is None else f"{promised:.2f}"
            table.add_row(label, *(f"{value:.4f}" for value in figures), str(len(found)), said)
        console.print(table)
    return kept


def _train(pool: Any, folder: Path, source: str = CELL) -> tuple[Any, str, float]:
    """A cell on the pool: its run, what rank 0 wrote, and when it returned."""
    import cloudpickle

    from akidlab.dispatch import Task
    from akidlab.store import Store
    from akidlab.worker import Assignment

    store, said = folder / "akid_runs", list[str]()
    hear: Callable[..., None] = lambda rank, stream, text: said.append(text) if rank == 0 else None  # noqa: E731
    job = pool.submit(Task("bench", str(store), cloudpickle.dumps(Assignment(source))))
    job.wait(120, on_output=hear)
    return Store(store).run(job.uid), "".join(said), time.time()


def _first_step(run: Any) -> float:
    return run.events("first_step")[0].time


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def main() -> int:
    """Measure and print."""
    from rich.console import Console

    return 0 if report(Console(), "--quick" in sys.argv) else 1


if __name__ == "__main__":
    sys.exit(main())
