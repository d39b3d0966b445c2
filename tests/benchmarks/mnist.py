"""LeNet on the real MNIST: `AKID_DATA_PATH=../shared/data python -m tests.benchmarks.mnist`.

Learns from 55,000 images, validates on the 5,000 others after each epoch, and looks at the 10,000 test images
after each epoch too, to show the curve; nothing is chosen by them. The target is 99.0 % within 5 epochs.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

import torch

from akidlab import FeedSensor, Kid, MNISTFeedSource, MomentumKongFu
from akidlab.errors import DataNotFoundError
from akidlab.models.brains import LeNet

if TYPE_CHECKING:
    from rich.console import Console

TARGET = 0.99


def main(arguments: list[str] | None = None) -> int:
    """Train, print a line for each epoch, and say whether the target was reached."""
    options = _options(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        accuracy = train(options)
    except DataNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    reached = accuracy >= TARGET
    print(
        f"test accuracy {accuracy:.2%} after {options.epochs} epochs "
        f"(target {TARGET:.1%} within 5: {'reached' if reached else 'missed'})"
    )
    return 0 if reached else 1


def report(console: Console, quick: bool) -> bool:
    """What `python -m tests.benchmarks mnist` calls; quick is one epoch, which misses the target."""
    console.print("LeNet on the real MNIST")
    return main(["--epochs", "1"] if quick else []) == 0


def train(options: argparse.Namespace) -> float:
    """The accuracy on the test images at the end."""
    source = MNISTFeedSource(num_train=55_000, num_val=5_000, center=True, scale=True)
    source.setup()
    sensor = FeedSensor(source, batch_size=options.batch_size, val_batch_size=1000, seed=options.seed)
    schedule = {"name": "one_cycle", "max_steps": options.epochs * len(sensor)}
    kongfu = MomentumKongFu(lr=options.lr, weight_decay=5e-4, lr_scheme=schedule)
    kid = Kid(
        sensor,
        LeNet(name="lenet"),
        kongfu,
        max_epoch=options.epochs,
        name="mnist",
        seed=options.seed,
        log_by_step=False,
        log_by_epoch=True,
        save_chk_point=False,
        validate_first=False,
    )
    begun = time.perf_counter()
    tested = []

    def on_validation(kid: Kid) -> None:
        spent = time.perf_counter() - begun
        tested.append(kid.validate("test")[1]["accuracy"])
        print(
            f"epoch {len(tested)}: validation loss {kid.loss:.4f}, validation accuracy "
            f"{kid.evals['accuracy']:.2%}, test accuracy {tested[-1]:.2%}, {spent:.0f} s",
            flush=True,
        )

    kid.hooks.on_val_log_step.append(on_validation)
    kid.practice()
    return tested[-1]


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.mnist", description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.05, help="the highest rate of the cycle")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 leaves it to torch")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
