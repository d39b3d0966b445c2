"""`akidlab scaling`: what more ranks would bring, before they are paid for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from akidlab.errors import DispatchError

if TYPE_CHECKING:
    from akidlab.dispatch.scaling import Network, Step, Work

RANKS = (1, 2, 4, 8, 16, 32, 64)
BAR = 20


def add(commands: Any) -> None:
    """Declare the command."""
    from akidlab.dispatch.measured import MODELS

    scaling = commands.add_parser(
        "scaling",
        help="tell what more ranks would bring",
        description="Tell how long a step takes on many ranks, from a step on one, the number of parameters,"
        " and the network. Without options: LeNet as measured on two cores.",
        epilog="What the simulator assumes, and how near it came: akidlab/dispatch/SCALING.md.",
    )
    scaling.add_argument(
        "--model", choices=sorted(MODELS), default="lenet", help="as measured (default: lenet)"
    )
    scaling.add_argument("--parameters", type=float, metavar="N", help="a model of your own: its parameters,")
    scaling.add_argument("--step", type=float, metavar="S", help="... the seconds of a step on one rank,")
    scaling.add_argument("--batch", type=int, metavar="N", help="... and the samples of that step")
    scaling.add_argument(
        "--bandwidth", type=float, metavar="G", help="Gbit/s between nodes; as measured without"
    )
    scaling.add_argument(
        "--latency", type=float, metavar="US", help="microseconds of a message between nodes"
    )
    scaling.add_argument("--ranks", metavar="N,N", help=f"default: {','.join(map(str, RANKS))}")
    scaling.add_argument(
        "--weak", action="store_true", help="each rank has the whole batch, not its share of it"
    )
    scaling.add_argument(
        "--buckets",
        type=int,
        default=1,
        metavar="K",
        help="gradients go in K parts during the backward pass (default: 1, after it, as akidlab's do)",
    )
    scaling.set_defaults(command=show)


def show(options: argparse.Namespace) -> int:
    """Print the table."""
    from rich.console import Console

    from akidlab.dispatch.scaling import predict

    work, network = _work(options), _network(options)
    if options.buckets < 1:
        raise DispatchError(f"`--buckets` is one or more, found {options.buckets}.")
    steps = [
        predict(work, network, ranks, weak=options.weak, buckets=options.buckets)
        for ranks in _ranks(options.ranks)
    ]
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{work.size / 4e6:.3g} million parameters, {work.batch} samples a step"
        f"{' and rank' if options.weak else ''}, {network.bandwidth * 8e-9:.3g} Gbit/s"
    )
    console.print(table(steps))
    return 0


def table(steps: Sequence[Step]) -> Any:
    """The steps as a table, with a bar for the efficiency."""
    from rich.table import Table

    found = Table(title_justify="left")
    for column in ("ranks", "step ms", "waiting ms", "speed-up", "efficiency"):
        found.add_column(column, justify="right")
    found.add_column("")
    for step in steps:
        found.add_row(
            *(f"{step.ranks}", f"{1e3 * step.seconds:.2f}", f"{1e3 * step.waiting:.2f}"),
            *(f"{step.speedup:.2f}", f"{step.efficiency:.0%}", "█" * round(BAR * min(1.0, step.efficiency))),
        )
    return found


def _work(options: argparse.Namespace) -> Work:
    from akidlab.dispatch.measured import MODELS
    from akidlab.dispatch.scaling import Work

    own = (options.parameters, options.step, options.batch)
    if own == (None, None, None):
        found = MODELS[options.model]
        return Work.measured(found.size, found.alone)
    if None in own or min(own) <= 0:
        raise DispatchError(
            "A model of your own is told by `--parameters`, `--step` and `--batch`, all three above 0."
        )
    return Work.measured(4 * options.parameters, {options.batch: options.step})


def _network(options: argparse.Namespace) -> Network:
    from akidlab.dispatch.measured import ALLREDUCE
    from akidlab.dispatch.scaling import Network, fitted

    here = fitted(ALLREDUCE, ranks=2)
    return Network(
        here.latency if options.latency is None else options.latency * 1e-6,
        here.bandwidth if options.bandwidth is None else options.bandwidth * 1e9 / 8,
        here.overhead,
    )


def _ranks(text: str | None) -> Sequence[int]:
    if text is None:
        return RANKS
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise DispatchError(f"`--ranks` is a list such as 1,2,4; found {text!r}.") from None
