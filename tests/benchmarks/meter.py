"""What it costs a rank to be measured at every step: `python -m tests.benchmarks.meter`.

Gradients are averaged with nobody, so that what is left is what the meter adds: the times of each step, and
at every eighth one the norm of the gradients and the fingerprints of the weights. Beside it a step of SGD
with 64 samples. Each is the least of several turns.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from akidlab import engines
from akidlab.worker.collectives import Collectives
from akidlab.worker.meter import Meter
from tests.benchmarks.plain import lenet

PROMISED = 0.01  # of a step, or of a millisecond where a step is shorter
TURNS, STEPS = 9, 2000
Make = Callable[[], nn.Module]
NETS: dict[str, tuple[Make, tuple[int, ...]]] = {  # each with the shape of its samples
    "64-10": (lambda: nn.Linear(64, 10), (64,)),
    "LeNet": (lenet, (1, 28, 28)),
    "784-2048-2048-10": (
        lambda: nn.Sequential(nn.Linear(784, 2048), nn.Linear(2048, 2048), nn.Linear(2048, 10)),
        (784,),
    ),
}


def cost(net: nn.Module, turns: int = TURNS, steps: int = STEPS) -> float:
    """Microseconds that the meter adds to a step."""
    engine = engines.get("single", device="cpu")
    plain, kid = engine.average, SimpleNamespace(step=0, brain=net)
    gradients, loss = [torch.randn_like(parameter) for parameter in net.parameters()], torch.tensor(1.0)
    meter = Meter(engine, Collectives(engine))
    meter.begin(kid)  # type: ignore[arg-type]

    def turn(average: Callable[..., Any]) -> float:
        begin = time.perf_counter()
        for _ in range(steps):
            average(gradients, loss, False)
            kid.step += 1
        took = time.perf_counter() - begin
        meter.take()
        return took

    bare, measured = (min(turn(average) for _ in range(turns)) for average in (plain, engine.average))
    meter.end()
    return 1e6 * (measured - bare) / steps


def step(net: nn.Module, shape: tuple[int, ...], turns: int = 20) -> float:
    """Microseconds of a step."""
    inputs, optimizer, took = torch.randn(64, *shape), torch.optim.SGD(net.parameters(), lr=0.0), []
    for _ in range(turns):
        begin = time.perf_counter()
        optimizer.zero_grad()
        net(inputs).sum().backward()
        optimizer.step()
        took.append(time.perf_counter() - begin)
    return 1e6 * min(took)


def report(console: Console, quick: bool = False) -> bool:
    """Print what was found; True if what was promised is kept."""
    torch.set_num_threads(1)
    table = Table("network", "parameters", "step, µs", "meter, µs", "share", title="To measure a rank")
    kept = True
    for name, (make, shape) in NETS.items():
        net = make()
        took, adds = step(net, shape), cost(net, *((2, 200) if quick else ()))
        share = adds / max(took, 1000.0)
        table.add_row(name, f"{_size(net):,}", f"{took:.0f}", f"{adds:.1f}", f"{100 * share:.2f} %")
        kept = kept and share <= PROMISED
    console.print(table)
    console.print(f"At most {100 * PROMISED:g} %: {'kept' if kept else 'not kept'}")
    return kept


def _size(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


if __name__ == "__main__":
    sys.exit(not report(Console()))
