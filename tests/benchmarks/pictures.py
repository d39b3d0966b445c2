"""What it costs to record filters and feature maps: `python -m tests.benchmarks.pictures`.

Takes pictures of networks of several sizes, the first time apart, since it looks for a sample then; what is
left of the pace of two seconds is their share of the time. Promised is at most 1 %.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from akidlab import Brain, FeedSensor, Kid, MomentumKongFu
from akidlab.kids.pictures import PACE, SHARE, Pictures
from akidlab.models.brains import LeNet, OneLayerBrain, VGGNet
from akidlab.sources import ArraySource
from akidlab.store import Store
from akidlab.store.pictures import packed

LIMIT = 0.01


def jobs() -> dict[str, tuple[Brain, tuple[int, ...]]]:
    """Networks, and the shape of what they are given."""
    return {
        "one layer, 8×8": (OneLayerBrain(), (1, 8, 8)),
        "LeNet, 28×28": (LeNet(), (1, 28, 28)),
        "VGG, 32×32": (VGGNet(), (3, 32, 32)),
    }


def kid_of(brain: Brain, shape: tuple[int, ...], folder: Path) -> Kid:
    """A kid on made-up images, with a run to record in."""
    images, labels = torch.rand(64, *shape), torch.arange(64) % 10
    kid = Kid(
        FeedSensor(ArraySource((images, labels), (images, labels)), batch_size=8, val_batch_size=8),
        brain,
        MomentumKongFu(),
        max_steps=1,
    )
    kid.setup()
    kid.open_run(store=Store(folder))
    return kid


def report(console: Console, quick: bool = False) -> bool:
    """Print what it costs; True if the promise is kept."""
    table = Table("network", "first ms", "again ms", "share of the time", "kB", "pictures")
    kept = True
    for name, (brain, shape) in jobs().items():
        with tempfile.TemporaryDirectory() as folder:
            kid = kid_of(brain, shape, Path(folder))
            try:
                takes = _times(Pictures(kid), 5 if quick else 25)
                kid._recorder.flush()  # type: ignore[union-attr]
                assert kid.run is not None
                sizes = [len(packed(kid.run.picture(tag).picture)) for tag in kid.run.pictures()]
            finally:
                kid.close_run()
        again = statistics.median(takes[1:])
        share = again / max(PACE, again / SHARE)
        kept = kept and share <= LIMIT
        table.add_row(
            name, f"{1e3 * takes[0]:.1f}", f"{1e3 * again:.2f}", f"{share:.3%}", f"{sum(sizes) / 1e3:.0f}",
            str(len(sizes)),
        )  # fmt: skip
    console.print(table)
    return kept


def _times(pictures: Pictures, number: int) -> list[float]:
    found = []
    for _ in range(number):
        begun = time.perf_counter()
        pictures._take()
        found.append(time.perf_counter() - begun)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    sys.exit(0 if report(Console(), parser.parse_args().quick) else 1)
