"""Blocks against the same network written by hand: `python -m tests.benchmarks.blocks`.

A pass forward and backward of a brain, and of modules of torch that hold the same numbers (the losses of both
are compared first). They take turns in one process, each beginning every other time, so that what the machine
does meanwhile strikes both alike. Both are made anew several times, each being the first every other time:
where their numbers happen to lie in memory is worth some per cent. Ratios are medians over all turns. On a
busy machine wall time tells what the neighbours do, so processor time is judged there.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional as F

from akidlab import Brain, InnerProductLayer, ReLULayer, SoftmaxWithLossLayer
from akidlab.models.brains import CifarResNet, LeNet
from tests.benchmarks import plain

BUILDS = 8
Pass = Callable[[], Tensor]
Times = tuple[float, float]  # wall, processor


@dataclass(frozen=True)
class Job:
    """A network in both manners, and what is promised."""

    name: str  # and the size of its batches
    brain: Callable[[], Brain]
    by_hand: Callable[[], nn.Module]
    shape: tuple[int, ...]
    passes: int  # in a turn
    turns: int
    limit: float


def chain() -> Brain:
    """A hundred blocks so small that what calls them is what counts, and a loss."""
    brain = Brain(name="chain")
    for number in range(50):
        brain.attach(
            InnerProductLayer(out_channel_num=16, name=f"ip{number}"), ReLULayer(name=f"relu{number}")
        )
    brain.attach(
        SoftmaxWithLossLayer(inputs=[{"name": "relu49"}, {"name": "system_in", "idxs": [1]}], name="loss")
    )
    return brain


JOBS = [
    Job("LeNet (16)", LeNet, plain.lenet, (16, 1, 28, 28), 6, 96, 1.02),
    Job("CifarResNet 28-2 (8)", CifarResNet, plain.WideResNet, (8, 3, 32, 32), 1, 96, 1.02),
    Job("100 tiny blocks (8)", chain, plain.chain, (8, 16), 20, 96, 1.05),
]


def both(job: Job, brain_first: bool = True) -> tuple[Pass, Pass]:
    """A pass of the brain, and one of the modules that were given its parameters.

    Raises:
        AssertionError: if their losses differ.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(job.shape, generator=generator)
    y = torch.randint(0, 10, job.shape[:1], generator=generator)
    early = None if brain_first else job.by_hand()
    brain = job.brain().setup([x, y], seed=0)
    module = early or job.by_hand()
    with torch.no_grad():
        for theirs, ours in zip(module.parameters(), brain.parameters(), strict=True):
            theirs.copy_(ours)
    batch = [x, y]

    def of_brain() -> Tensor:
        loss = brain.objective(batch)
        loss.backward()
        return loss

    def of_module() -> Tensor:
        loss = F.cross_entropy(module(x), y)
        if isinstance(module, plain.WideResNet):
            loss = loss + module.decay()
        loss.backward()
        return loss

    torch.testing.assert_close(of_brain(), of_module())
    return of_brain, of_module


def measure(job: Job) -> list[tuple[Times, Times]]:
    """What the turns of the brain and of the modules took."""
    found = []
    for build in range(BUILDS):
        passes = both(job, brain_first=build % 2 == 0)
        for each in passes:
            _time(each, job.passes)
        for turn in range(job.turns // BUILDS):
            order = (0, 1) if turn % 2 else (1, 0)
            times = {which: _time(passes[which], job.passes) for which in order}
            found.append((times[0], times[1]))
    return found


def _time(work: Pass, passes: int) -> Times:
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(passes):
        work()
    return time.perf_counter() - wall, time.process_time() - cpu


def ratio(found: list[tuple[Times, Times]], kind: int) -> float:
    """The median over turns of brain / by hand; kind 0 is wall time, 1 is processor time."""
    return statistics.median(ours[kind] / theirs[kind] for ours, theirs in found)


def report(console: Console, quick: bool = False, threads: int | None = 1) -> bool:
    """Print a table; False if a promise was not kept."""
    usual = torch.get_num_threads()
    torch.set_num_threads(threads or usual)
    busy = os.getloadavg()[0] > 1.25 * (os.cpu_count() or 1)
    judged = "processor" if busy else "wall"
    title = f"forward and backward, {torch.get_num_threads()} threads; {judged} time is judged"
    table = Table(title=title, title_justify="left")
    for head in ("network", "by hand, ms", "blocks, ms", "wall ratio", "cpu ratio", "at most", ""):
        table.add_column(head, justify="left" if head in ("network", "") else "right")
    kept = True
    for job in JOBS:
        found = measure(replace(job, turns=BUILDS if quick else job.turns))
        good = ratio(found, int(busy)) <= job.limit
        kept = kept and good
        table.add_row(
            job.name, *_row(job, found), f"{job.limit}", "[green]kept[/]" if good else "[red]missed[/]"
        )
    console.print(table)
    torch.set_num_threads(usual)
    return kept


def _row(job: Job, found: list[tuple[Times, Times]]) -> list[str]:
    milliseconds = [1000 * statistics.median(turn[who][1] for turn in found) / job.passes for who in (1, 0)]
    return [*(f"{ms:.3f}" for ms in milliseconds), *(f"{ratio(found, kind):.3f}" for kind in (0, 1))]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and say by the exit code whether the promises were kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.blocks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few turns only, to see that it runs")
    parser.add_argument("--threads", type=int, default=1, help="of torch; 0 leaves it to torch")
    options = parser.parse_args(arguments)
    return 0 if report(Console(), options.quick, options.threads) else 1


if __name__ == "__main__":
    sys.exit(main())
