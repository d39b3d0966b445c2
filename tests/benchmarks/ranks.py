"""A step on two ranks, against `DistributedDataParallel` of torch: `python -m tests.benchmarks.ranks`.

Both ranks hold every rival at once (a kid's step with the engine `torch`, DDP by hand, and a kid's step with
the engine `horovod` where that is installed), and they take turns: what the machine does meanwhile strikes
all alike. Each rank has one thread, and half of every batch. Ratios are medians over turns; `--no-horovod`
leaves out the third. The first turns, in which the engines choose the way of the gradients, do not count.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.nn import functional as F

from akidlab import (
    ArraySource,
    Brain,
    FeedSensor,
    InnerProductLayer,
    Kid,
    MomentumKongFu,
    ReLULayer,
    SoftmaxWithLossLayer,
)
from akidlab.models.brains import LeNet
from tests.benchmarks import plain

RANKS, LR = 2, 0.01
WARM = 5  # turns, in which the ways are tried
DDP = "DDP by hand"


@dataclass(frozen=True)
class Job:
    """What is learned, in both manners, and what is promised of both engines."""

    name: str
    brain: Callable[[], Brain]
    plain: Callable[[], nn.Module]
    limit: float
    batch_size: int = 64
    steps: int = 5  # in a turn


def mlp() -> Brain:
    """784-2048-2048-10, of blocks: 5.8 million parameters, most of them in two layers."""
    brain = Brain(name="mlp")
    for number in (1, 2):
        brain.attach(
            InnerProductLayer(out_channel_num=2048, name=f"ip{number}"), ReLULayer(name=f"relu{number}")
        )
    brain.attach(
        InnerProductLayer(out_channel_num=10, name="ip3"),
        SoftmaxWithLossLayer(
            class_num=10, name="loss", inputs=[{"name": "ip3"}, {"name": "system_in", "idxs": [1]}]
        ),
    )
    return brain


def plain_mlp() -> nn.Module:
    """The same, of torch's modules."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 10)
    )


JOBS = [
    Job("LeNet", LeNet, plain.lenet, 1.00),
    Job("MLP 784-2048-2048-10", mlp, plain_mlp, 1.05),
]


def by_hand(job: Job, x: torch.Tensor, y: torch.Tensor) -> Callable[[], object]:
    """A step as an expert writes it with DDP."""
    model = nn.parallel.DistributedDataParallel(job.plain())
    optimizer = torch.optim.SGD(model.parameters(), LR, 0.9, fused=True)
    share, rank = job.batch_size // RANKS, int(os.environ["RANK"])
    order, at = torch.randperm(len(x)), 0

    def step() -> None:
        nonlocal order, at
        rows = order[at + rank * share : at + (rank + 1) * share]
        optimizer.zero_grad()
        F.cross_entropy(model(x.index_select(0, rows)), y.index_select(0, rows)).backward()
        optimizer.step()
        at += job.batch_size
        if at >= len(x):
            order, at = torch.randperm(len(x)), 0

    return step


def of_kid(job: Job, engine: str, x: torch.Tensor, y: torch.Tensor) -> Callable[[], object]:
    """A kid's step, guarded as by default."""
    from akidlab.kids.guarding import Guarding
    from akidlab.kids.update import make_update

    sensor = FeedSensor(ArraySource((x, y)), batch_size=job.batch_size)
    kid = Kid(sensor, job.brain(), MomentumKongFu(lr=LR), engine, record=False, device="cpu", max_steps=10**9)
    kid.setup()
    kid.brain.train()
    return make_update(kid, guarding=Guarding(kid))


def be_a_rank(turns: int) -> None:
    """Measure, and tell the milliseconds of a step in each turn."""
    from torch import distributed as dist

    torch.set_num_threads(1)
    os.environ.setdefault("RANK", os.environ.get("HOROVOD_RANK", "0"))
    os.environ.setdefault("WORLD_SIZE", str(RANKS))
    os.environ.setdefault("LOCAL_WORLD_SIZE", str(RANKS))
    engines = ["torch", *["horovod"] * ("HOROVOD_RANK" in os.environ)]
    found: dict[str, dict[str, list[float]]] = {}
    for job in JOBS:
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(20 * job.batch_size, 1, 28, 28, generator=generator)
        y = torch.randint(0, 10, (len(x),), generator=generator)
        rivals = {f"Kid, {engine}": of_kid(job, engine, x, y) for engine in engines}
        rivals[DDP] = by_hand(job, x, y)
        spent = found[job.name] = {name: [] for name in rivals}
        for turn in range(turns + WARM):
            for name, step in list(rivals.items())[:: 1 if turn % 2 else -1]:  # each as often first as last
                dist.barrier()
                begun = time.perf_counter()
                for _ in range(job.steps):
                    step()
                dist.barrier()
                spent[name].append(1000 * (time.perf_counter() - begun) / job.steps)
    if os.environ["RANK"] == "0":
        print(f"found {json.dumps(found)}", flush=True)


def measure(turns: int, horovod: bool = True) -> dict[str, dict[str, list[float]]]:
    """The milliseconds of a step of each rival, turn by turn, for each job."""
    from akidlab.dispatch.launcher import launcher

    name = "horovod" if horovod and importlib.util.find_spec("horovod") is not None else "torch"
    arguments = ["-m", "tests.benchmarks.ranks", "--be-a-rank", "--turns", str(turns)]
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
        if name == "horovod":  # it starts the ranks of both engines
            env["AKIDLAB_RENDEZVOUS"] = str(Path(folder) / "ranks")
        command = launcher(name).command(RANKS, arguments)
        done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    line = next(line for line in done.stdout.splitlines() if ":found {" in line)
    return json.loads(line.partition(":found ")[2])


def report(console: Console, quick: bool = False, turns: int = 40, horovod: bool = True) -> bool:
    """Print a table for each job; False if a promise was not kept."""
    found, kept = measure(5 if quick else turns, horovod), True
    for job in JOBS:
        spent = {name: times[WARM:] for name, times in found[job.name].items()}
        title = (
            f"{job.name}, batch {job.batch_size}, {RANKS} ranks: {len(spent[DDP])} turns of {job.steps} steps"
        )
        table = Table(title=title, title_justify="left")
        for column in ("", "ms/step", "least", "/ DDP", "promised"):
            table.add_column(column, justify="left" if not column else "right")
        for name, times in spent.items():
            ratio = statistics.median(a / b for a, b in zip(times, spent[DDP], strict=True))
            promised = name != DDP
            kept = kept and (not promised or ratio <= job.limit)
            figures = [f"{statistics.median(times):.2f}", f"{min(times):.2f}", f"{ratio:.3f}"]
            table.add_row(name, *figures, f"{job.limit:.2f}" if promised else "")
        console.print(table)
    return kept


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and say by the exit code whether the promises were kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ranks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few turns only, to see that it runs")
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--no-horovod", action="store_true", help="the engine `torch` and DDP alone")
    parser.add_argument("--be-a-rank", action="store_true", help=argparse.SUPPRESS)
    options: Any = parser.parse_args(arguments)
    if options.be_a_rank:
        be_a_rank(options.turns)
        return 0
    return 0 if report(Console(), options.quick, options.turns, not options.no_horovod) else 1


if __name__ == "__main__":
    sys.exit(main())
