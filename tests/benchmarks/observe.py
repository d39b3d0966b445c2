"""What it costs to look at every tensor of every layer: `python -m tests.benchmarks.observe`.

Weights, biases, their gradients and updates, and the outputs of all layers: 34 tensors of LeNet, 15 of a tiny
MLP. Loops by hand around the same network take turns in one process, some of them looked at by ours, some by
what others would write; processor time counts all threads. Ratios to the bare loop are medians over turns.
The second bare loop shows how much of a ratio is noise.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional as F

from akidlab.exporter import Exporter
from akidlab.messages import PERCENTS, Bus, CallbackSubscriber
from akidlab.metrics.bands import PercentilesSubscriber
from tests.benchmarks.plain import lenet

ELEMENTS = 8192
PICKED = [round(percent / 100 * (ELEMENTS - 1)) for percent in PERCENTS]
Record = Callable[[dict[str, Tensor]], object]


@dataclass(frozen=True)
class Job:
    """What learns, and what is promised of looking at it at every step and at every tenth."""

    name: str
    net: Callable[[], nn.Sequential]
    shape: tuple[int, ...]
    batch_size: int
    steps: int  # in a turn
    turns: int
    limits: tuple[float, float]
    threads: int | None = None


def mlp() -> nn.Sequential:
    """784-32-10."""
    return nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))


JOBS = [
    Job("MLP 784-32-10, batch 32", mlp, (784,), 32, 100, 15, (1.6, 1.05), threads=1),
    Job("LeNet, batch 64", lenet, (1, 28, 28), 64, 10, 8, (1.10, 1.02)),  # type: ignore[arg-type]
]


class Loop:
    """The bare loop: batches by index from memory, a fused optimiser."""

    def __init__(self, job: Job) -> None:
        torch.manual_seed(0)
        self.net, self.size, count = job.net(), job.batch_size, 50 * job.batch_size
        self.optimizer = torch.optim.SGD(self.net.parameters(), 0.01, 0.9, fused=True)
        self.x, self.y = torch.randn(count, *job.shape), torch.randint(0, 10, (count,))
        self.order, self.at, self.step = torch.randperm(count), 0, 0

    def __call__(self, steps: int) -> None:
        for _ in range(steps):
            rows = self.order[self.at : self.at + self.size]
            self.at = (self.at + self.size) % len(self.x)
            self.optimizer.zero_grad()
            F.cross_entropy(self.net(self.x.index_select(0, rows)), self.y.index_select(0, rows)).backward()
            self.optimizer.step()


class Looked(Loop):
    """A loop that collects all tensors of a step by hand, and hands them to `record`."""

    def __init__(self, job: Job, record: Record, every: int = 1) -> None:
        super().__init__(job)
        self.record, self.every, self.seen = record, every, dict[str, Tensor]()
        for name, layer in self.net.named_children():
            layer.register_forward_hook(lambda _m, _i, out, name=name: self._put(f"activations/{name}", out))
        self.optimizer.register_step_pre_hook(self._before)
        self.optimizer.register_step_post_hook(self._after)

    @property
    def is_due(self) -> bool:
        return (self.step + 1) % self.every == 0

    def _put(self, name: str, tensor: Tensor) -> None:
        if self.is_due:
            self.seen[name] = tensor.detach()

    def _before(self, *_: object) -> None:
        if self.is_due:
            for name, weight in self.net.named_parameters():
                self.seen[f"weights/{name}"] = weight.detach().clone()

    def _after(self, *_: object) -> None:
        if self.is_due:
            for name, weight in self.net.named_parameters():
                assert weight.grad is not None
                self.seen[f"gradients/{name}"] = weight.grad
                self.seen[f"updates/{name}"] = weight.detach() - self.seen[f"weights/{name}"]
            self.record(self.seen)
            self.seen = {}
        self.step += 1


def ours(job: Job, every: int = 1, *, exact: bool = False, listens: bool = True) -> Loop:
    """A loop that our exporter looks at."""
    loop, bus = Loop(job), Bus()
    if listens:
        bus.subscribe(PercentilesSubscriber(bus, exact=exact))
        bus.subscribe(CallbackSubscriber(lambda message: None, topics=["percentiles"]))
    Exporter(message_bus=bus, every=every, optimizer=loop.optimizer).add_modules(loop.net)
    return loop


def sorted_by_numpy(seen: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """All values of each tensor in order; the nine picked."""
    found = {}
    for name, tensor in seen.items():
        values = np.sort(tensor.reshape(-1).numpy())
        found[name] = values[[round(p / 100 * (len(values) - 1)) for p in PERCENTS]]
    return found


class SortedInOneBatch:
    """8,192 values of each tensor, the same places each time; one sort of all; the ends exact."""

    def __init__(self) -> None:
        self._places: dict[str, Tensor] = {}

    def __call__(self, seen: dict[str, Tensor]) -> Tensor:
        nine = torch.stack([self._drawn(*each) for each in seen.items()]).sort(1).values[:, PICKED]
        for row, tensor in zip(nine, seen.values(), strict=True):
            row[0], row[-1] = torch.aminmax(tensor)
        return nine

    def _drawn(self, name: str, tensor: Tensor) -> Tensor:
        if name not in self._places:
            self._places[name] = torch.randint(0, tensor.numel(), (ELEMENTS,))
        return tensor.reshape(-1)[self._places[name]]


@contextlib.contextmanager
def tensorboard() -> Iterator[Record | None]:
    """Histograms in TensorBoard's files; None where it is not installed."""
    if importlib.util.find_spec("tensorboard") is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(folder) as writer:
            yield lambda seen: [writer.add_histogram(*each, 0) for each in seen.items()]


@dataclass
class Turns:
    """Loops that take turns, and the processor time that each took for a step."""

    loops: dict[str, Loop]
    steps: int
    spent: dict[str, list[float]] = field(default_factory=dict)

    def take(self, turns: int) -> None:
        """Let each loop make its steps, again and again."""
        for loop in self.loops.values():
            loop(2)
        for _ in range(turns):
            for name, loop in self.loops.items():
                begun = time.process_time()
                loop(self.steps)
                self.spent.setdefault(name, []).append((time.process_time() - begun) / self.steps)

    def ratio(self, name: str, rival: str = "bare loop") -> float:
        """The median over turns."""
        pairs = zip(self.spent[name], self.spent[rival], strict=True)
        return statistics.median(one / other for one, other in pairs)


def measure(job: Job, turns: int) -> list[Turns]:
    """All ways to look at a job, in turns; TensorBoard's apart, since it slows down who comes next."""
    loops: dict[str, Loop] = {
        "bare loop": Loop(job),
        "bare loop again": Loop(job),
        "ours, nobody listens": ours(job, listens=False),
        "ours": ours(job),
        "ours, every 10th step": ours(job, 10),
        "ours, exact": ours(job, exact=True),
        "np.sort (exact)": Looked(job, sorted_by_numpy),
        "one batch of 8192": Looked(job, SortedInOneBatch()),
    }
    found = [Turns(loops, job.steps)]
    found[0].take(turns)
    with tensorboard() as record:
        if record is not None:
            for name, every in (("TensorBoard histograms", 1), ("TensorBoard, every 10th step", 10)):
                found.append(Turns({"bare loop": Loop(job), name: Looked(job, record, every)}, job.steps))
                found[-1].take(min(turns, 3))
    return found


def report(console: Console, quick: bool = False) -> bool:
    """Print a table for each job; False if a promise was not kept."""
    kept, usual = True, torch.get_num_threads()
    for job in JOBS:
        torch.set_num_threads(job.threads or usual)
        found = measure(job, 2 if quick else job.turns)
        console.print(_table(job, found))
        kept = _verdict(console, job, found[0]) and kept
    torch.set_num_threads(usual)
    return kept


def _table(job: Job, found: list[Turns]) -> Table:
    count, threads = len(found[0].spent["ours"]), torch.get_num_threads()
    title = f"{job.name}: {count} turns of {job.steps} steps, {threads} threads"
    table = Table(title=title, title_justify="left")
    table.add_column("looked at by")
    for head in ("cpu ms/step", "least", "cpu / bare loop"):
        table.add_column(head, justify="right")
    for number, turns in enumerate(found):
        for name, spent in list(turns.spent.items())[number > 0 :]:
            milliseconds = (f"{1000 * pick(spent):.3f}" for pick in (statistics.median, min))
            table.add_row(name, *milliseconds, f"{turns.ratio(name):.3f}")
    return table


def _verdict(console: Console, job: Job, found: Turns) -> bool:
    each, tenth = job.limits
    promises = [
        ("every step", found.ratio("ours"), each),
        ("every tenth step", found.ratio("ours, every 10th step"), tenth),
        ("exact, over np.sort", found.ratio("ours, exact", "np.sort (exact)"), 1.0),
    ]
    for what, ratio, limit in promises:
        mark = "[green]kept[/]" if ratio <= limit else "[red]missed[/]"
        console.print(f"Promise: {what}: at most {limit}. Found {ratio:.3f}: {mark}.")
    console.print()
    return all(ratio <= limit for _, ratio, limit in promises)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and say by the exit code whether the promises were kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.observe", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few turns only, to see that it runs")
    return 0 if report(Console(), parser.parse_args(arguments).quick) else 1


if __name__ == "__main__":
    sys.exit(main())
