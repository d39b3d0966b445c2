"""Sensors against a torch DataLoader with the same transforms: `python -m tests.benchmarks.sensor`.

MNIST, batches of 100: pad by two pixels, crop at random, mirror at random, normalise. The DataLoader does
that sample by sample, as torchvision's transforms do, with no worker and with two; the faster one counts. All
take turns in one process, after a turn to warm up; ratios are medians over the turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader, Dataset

from akidlab import (
    ArraySource,
    CropJoker,
    FeedSensor,
    FlipJoker,
    MNISTFeedSource,
    NormalizeJoker,
    ParallelSensor,
    SimpleSensor,
    Source,
)
from akidlab.errors import DataError, DataNotFoundError

BATCH, PADDING, MEAN, STD = 100, 2, 0.1307, 0.3081
OURS, PROMISE = "FeedSensor", 5.0
Spent = dict[str, list[tuple[float, float]]]


class Samples(Dataset[tuple[torch.Tensor, int]]):
    """MNIST with transforms, one sample at a time."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        self.images, self.labels = images, labels.tolist()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = F.pad(self.images[index], [PADDING] * 4)
        top, left = torch.randint(0, 2 * PADDING + 1, (2,)).tolist()
        image = image[:, top : top + 28, left : left + 28]
        if torch.rand(1) < 0.5:
            image = image.flip(-1)
        return (image - MEAN) / STD, self.labels[index]


def source() -> Source:
    """The real MNIST where it is; as many random images of its size where it is not."""
    try:
        found = MNISTFeedSource(num_train=60_000, num_val=0, mirrors=())
        images, labels = found.training
        return ArraySource((images / 255, labels), name="mnist")
    except (DataNotFoundError, DataError):
        return ArraySource((torch.rand(60_000, 1, 28, 28), torch.randint(0, 10, (60_000,))), name="random")


def sensors(data: Source) -> dict[str, FeedSensor]:
    """Ours."""
    made = {
        OURS: FeedSensor(data, BATCH),
        "SimpleSensor": SimpleSensor(data, BATCH),
        "ParallelSensor, 2 workers": ParallelSensor(data, BATCH, num_workers=2),
    }
    for sensor in made.values():
        for joker in (CropJoker(28, padding=PADDING), FlipJoker(), NormalizeJoker(MEAN, STD)):
            sensor.attach(joker)
    return made


def loaders(data: Source) -> dict[str, Iterator[Any]]:
    """Theirs, without end."""
    samples = Samples(*data.training)

    def endless(workers: int) -> Iterator[Any]:
        loader = DataLoader(
            samples, batch_size=BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0
        )
        while True:
            yield from loader

    return {"DataLoader": endless(0), "DataLoader, 2 workers": endless(2)}


def measure(takers: dict[str, Callable[[], object]], turns: int, batches: int) -> Spent:
    """Wall and processor seconds for a batch, for each turn of each; those of its workers count, too."""
    spent: Spent = {name: [] for name in takers}
    for _ in range(turns + 1):
        for name, take in takers.items():
            many = batches if "Loader" in name else 5 * batches
            begun = _now()
            for _ in range(many):
                take()
            wall, cpu = _now()
            spent[name].append(((wall - begun[0]) / many, (cpu - begun[1]) / many))
    return {name: seconds[1:] for name, seconds in spent.items()}


def _now() -> tuple[float, float]:
    children = psutil.Process().children(recursive=True)
    times = [child.cpu_times() for child in children]
    return time.perf_counter(), time.process_time() + sum(t.user + t.system for t in times)


def report(console: Console, quick: bool = False) -> bool:
    """Print the table; False if the promise was not kept."""
    usual = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a batch is not worth waking others for
    data = source()
    ours, theirs = sensors(data), loaders(data)
    takers: dict[str, Callable[[], object]] = {name: iterator.__next__ for name, iterator in theirs.items()}
    takers |= {name: sensor.next for name, sensor in ours.items()}
    takers = {name: takers[name] for name in sorted(takers, key=lambda name: "workers" in name)}
    try:
        spent = measure(takers, *((3, 20) if quick else (15, 50)))
    finally:
        torch.set_num_threads(usual)
        for sensor in ours.values():
            sensor.teardown()
        theirs.clear()
        takers.clear()
    return _tell(console, data, spent)


def _tell(console: Console, data: Source, spent: Spent) -> bool:
    """On a busy machine wall time tells what the neighbours do, so the processor time is judged there."""
    kind = 1 if os.getloadavg()[0] > 1.25 * (os.cpu_count() or 1) else 0
    judged = "processor time (this machine is busy)" if kind else "wall time"
    loaders = [name for name in spent if "Loader" in name]
    rival = min(loaders, key=lambda name: statistics.median(turn[kind] for turn in spent[name]))
    table = Table(title=f"{data.name}, batches of {BATCH}: crop, flip, normalise", title_justify="left")
    table.add_column("who")
    for head in ("samples/s", "µs/sample", "cpu µs/sample", f"{rival} / this"):
        table.add_column(head, justify="right")
    for name, turns in spent.items():
        wall, cpu = (statistics.median(turn[k] for turn in turns) / BATCH for k in (0, 1))
        ratio = _ratio(spent, rival, name, kind)
        table.add_row(name, f"{1 / wall:,.0f}", f"{1e6 * wall:.2f}", f"{1e6 * cpu:.2f}", f"{ratio:.1f}")
    console.print(table)
    found = _ratio(spent, rival, OURS, kind)
    mark = "[green]kept[/]" if found >= PROMISE else "[red]missed[/]"
    console.print(
        f"Promise: at least {PROMISE:g} times the faster DataLoader. Found {found:.1f} in {judged}: {mark}.\n"
    )
    return found >= PROMISE


def _ratio(spent: Spent, slow: str, fast: str, kind: int) -> float:
    return statistics.median(a[kind] / b[kind] for a, b in zip(spent[slow], spent[fast], strict=True))


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and say by the exit code whether the promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.sensor", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few turns only, to see that it runs")
    return 0 if report(Console(), parser.parse_args(arguments).quick) else 1


if __name__ == "__main__":
    sys.exit(main())
