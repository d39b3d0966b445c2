"""The Kid's loop against the loop that an expert writes by hand: `python -m tests.benchmarks.loop`.

Both train the same brain on tensors in memory, with the same fused optimiser. The Kid records into a store
and has a dashboard; the loop by hand does nothing else. They take turns in one process: whenever the Kid has
made so many steps, its hook lets the others make as many, so that what the machine does meanwhile strikes all
alike. Ratios are medians over the turns; processor time counts the threads
of the recorder and the dashboard, too. A second loop by hand around plain `torch.nn` modules shows what the
brain itself costs. Lightning is measured the same way where it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
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
    Store,
)
from akidlab.models.brains import LeNet

LR, MOMENTUM = 0.01, 0.9


@dataclass(frozen=True)
class Job:
    """What is learned: a model in both manners, the size of its batches, and what is promised."""

    name: str
    brain: Callable[[], Brain]
    plain: Callable[[], nn.Module]
    shape: tuple[int, ...]
    batch_size: int
    steps: int  # in a turn
    turns: int
    limit: float
    threads: int | None = None  # so small a brain is not worth waking others for

    def data(self) -> tuple[Tensor, Tensor]:
        """Samples enough for some hundred batches."""
        generator = torch.Generator().manual_seed(0)
        count = 200 * self.batch_size
        labels = torch.randint(0, 10, (count,), generator=generator)
        return torch.randn(count, *self.shape, generator=generator), labels


def mlp() -> Brain:
    """784-32-10, of blocks."""
    brain = Brain(name="mlp")
    brain.attach(
        InnerProductLayer(out_channel_num=32, name="ip1"),
        ReLULayer(name="relu1"),
        InnerProductLayer(out_channel_num=10, name="ip2"),
        SoftmaxWithLossLayer(
            class_num=10, name="loss", inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}]
        ),
    )
    return brain


def plain_mlp() -> nn.Module:
    """784-32-10, of torch's modules."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))


def plain_lenet() -> nn.Module:
    """LeNet of torch's modules: the same shapes and the same number of parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(5, 2, padding=2),
        nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 10),
    )  # fmt: skip


JOBS = [
    Job("MLP 784-32-10, batch 32", mlp, plain_mlp, (784,), 32, 500, 30, 1.05, threads=1),
    Job("LeNet, batch 64", LeNet, plain_lenet, (1, 28, 28), 64, 10, 30, 1.02),
]


class ByHand:
    """The expert's loop: a permutation for each epoch, `index_select`, a fused optimiser, no more."""

    def __init__(self, parameters: Any, objective: Callable[[list[Tensor]], Tensor], job: Job) -> None:
        self.optimizer = torch.optim.SGD(parameters, LR, MOMENTUM, fused=True)
        self.objective, self.size, (self.x, self.y) = objective, job.batch_size, job.data()
        self.order, self.at = torch.randperm(len(self.x)), 0

    def __call__(self, steps: int) -> None:
        for _ in range(steps):
            rows = self.order[self.at : self.at + self.size]
            batch = [self.x.index_select(0, rows), self.y.index_select(0, rows)]
            self.optimizer.zero_grad()
            self.objective(batch).backward()
            self.optimizer.step()
            self.at += self.size
            if self.at >= len(self.x):
                self.order, self.at = torch.randperm(len(self.x)), 0


@dataclass
class Turns:
    """The times of a framework and of the loops by hand that take turns with it."""

    rivals: dict[str, Callable[[int], None]]
    steps: int
    spent: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    _since: tuple[float, float] | None = None

    def take(self, *_: object) -> None:
        """The framework has made its steps: let the others make theirs."""
        if self._since is not None:
            self._note("framework", self._since)
        for name, rival in self.rivals.items():
            begun = _now()
            rival(self.steps)
            self._note(name, begun)
        self._since = _now()

    def _note(self, name: str, begun: tuple[float, float]) -> None:
        wall, cpu = _now()
        self.spent.setdefault(name, []).append((wall - begun[0], cpu - begun[1]))

    def ratio(self, rival: str, kind: int) -> float:
        """The median over turns of framework / rival; kind 0 is wall time, 1 is processor time."""
        ours, theirs = self.spent["framework"][1:], self.spent[rival][1:]
        return statistics.median(a[kind] / b[kind] for a, b in zip(ours, theirs, strict=False))

    def milliseconds(self, name: str, kind: int) -> float:
        """The median of one step."""
        return 1000 * statistics.median(spent[kind] for spent in self.spent[name][1:]) / self.steps


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def rivals(job: Job) -> dict[str, Callable[[int], None]]:
    """The two loops by hand: around the same brain, and around plain modules."""
    brain, plain, (x, y) = job.brain(), job.plain(), job.data()
    brain.setup([x[:2], y[:2]], seed=0)
    return {
        "same brain": ByHand(brain.parameters(), brain.objective, job),
        "torch.nn": ByHand(plain.parameters(), lambda b: F.cross_entropy(plain(b[0]), b[1]), job),
    }


def kid(job: Job, folder: Path) -> Turns:
    """A Kid with a store and a dashboard, taking turns with the loops by hand."""
    turns = Turns(rivals(job), job.steps)
    sensor = FeedSensor(ArraySource(job.data()), batch_size=job.batch_size)
    kid = Kid(
        sensor,
        job.brain(),
        MomentumKongFu(lr=LR),
        max_steps=job.steps * (job.turns + 1),
        train_log_step=job.steps,
        skip_validation=True,
        save_chk_point=False,
        device="cpu",
    )
    kid.hooks.on_training_log_step.append(turns.take)
    with watched(kid.open_run("bench", store=Store(folder))):
        kid.practice()
    kid.close_run()
    return turns


class watched:
    """A dashboard on the run, where the widgets are installed."""

    def __init__(self, run: Any) -> None:
        self.run, self.dashboard = run, None

    def __enter__(self) -> None:
        if importlib.util.find_spec("anywidget") is not None:
            from akidlab.widgets import Dashboard

            self.dashboard = Dashboard(self.run)
            _ = self.dashboard.widget  # its ticker runs from now on

    def __exit__(self, *_: object) -> None:
        if self.dashboard is not None:
            self.dashboard.close()


def lightning(job: Job) -> Turns | None:
    """Lightning at its leanest (no logger, no bar, no checkpoints); None where it is not installed."""
    if importlib.util.find_spec("lightning") is None:
        return None
    import lightning as pl
    from torch.utils.data import DataLoader, TensorDataset

    turns = Turns(rivals(job), job.steps)

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = job.plain()

        def training_step(self, batch: list[Tensor], index: int) -> Tensor:
            return F.cross_entropy(self.model(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), LR, MOMENTUM, fused=True)

    class Host(pl.Callback):
        def on_train_batch_end(self, trainer: Any, *_: object) -> None:
            if trainer.global_step % job.steps == 0:
                turns.take()

    loader = DataLoader(TensorDataset(*job.data()), batch_size=job.batch_size, shuffle=True)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = pl.Trainer(
            max_steps=job.steps * (job.turns + 1),
            max_epochs=-1,
            accelerator="cpu",
            enable_model_summary=False,
            callbacks=[Host()],
            **quiet,
        )
        trainer.fit(Module(), loader)
    return turns


def report(console: Console, quick: bool = False, threads: int | None = None) -> bool:
    """Print a table for each job; False if a promise was not kept."""
    kept, usual = True, torch.get_num_threads()
    for job in JOBS:
        job = replace(job, turns=4 if quick else job.turns)
        torch.set_num_threads(threads or job.threads or usual)
        with tempfile.TemporaryDirectory() as folder:
            found = {"Kid": kid(job, Path(folder))}
        if (peer := lightning(job)) is not None:
            found["Lightning"] = peer
        console.print(_table(job, found))
        kept = kept and _verdict(console, job, found["Kid"])
    return kept


def _table(job: Job, found: dict[str, Turns]) -> Table:
    title = f"{job.name}: {job.turns} turns of {job.steps} steps, {torch.get_num_threads()} threads"
    table = Table(title=title, title_justify="left")
    table.add_column("loop")
    for head in ("ms/step", "cpu ms/step", "wall / brain", "cpu / brain", "wall / torch", "cpu / torch"):
        table.add_column(head, justify="right")
    for name, turns in found.items():
        table.add_row(name, *_times(turns, "framework"), *_ratios(turns))
    first = next(iter(found.values()))
    for name in first.rivals:
        table.add_row(f"by hand, {name}", *_times(first, name))
    return table


def _times(turns: Turns, name: str) -> Iterator[str]:
    return (f"{turns.milliseconds(name, kind):.3f}" for kind in (0, 1))


def _ratios(turns: Turns) -> Iterator[str]:
    return (f"{turns.ratio(rival, kind):.3f}" for rival in turns.rivals for kind in (0, 1))


def _verdict(console: Console, job: Job, turns: Turns) -> bool:
    """On a busy machine wall time tells what the neighbours do, so the processor time is judged there."""
    kind = 1 if _busy() else 0
    ratio = turns.ratio("same brain", kind)
    kept = ratio <= job.limit
    mark = "[green]kept[/]" if kept else "[red]missed[/]"
    what = "processor time (this machine is busy)" if kind else "wall time"
    console.print(f"Promise: at most {job.limit} of the loop by hand. Found {ratio:.3f} in {what}: {mark}.\n")
    return kept


def _busy() -> bool:
    return os.getloadavg()[0] > 1.25 * (os.cpu_count() or 1)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and say by the exit code whether the promises were kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.loop", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few turns only, to see that it runs")
    parser.add_argument("--threads", type=int, help="threads for torch, by default its own choice")
    options = parser.parse_args(arguments)
    return 0 if report(Console(), options.quick, options.threads) else 1


if __name__ == "__main__":
    sys.exit(main())
