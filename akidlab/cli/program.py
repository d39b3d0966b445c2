"""`akidlab run FILE`: train the kid of a file without a notebook, alone or on ranks."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akidlab.errors import DispatchError

if TYPE_CHECKING:
    from akidlab.dispatch.hosts import Hosts
    from akidlab.kids import Kid

PAUSE = 10.0  # seconds between two lines about one training
ENDS = {"finished": 0, "stopped": 143}  # by SIGTERM, as a rule: a cluster starts it again, and it goes on


def add(commands: Any) -> None:
    """Declare the command."""
    run = commands.add_parser(
        "run",
        help="train the kid of a Python file, alone or on ranks",
        description="Train the kid that a Python file makes, without a notebook. Started by horovodrun, by"
        " mpirun or by srun, it is one of the ranks that these started; with -np it starts the ranks. The run"
        " goes into the store at AKID_RUNS.",
    )
    run.add_argument("file", type=Path, help="ends with `kid = Kid(sensor, brain, kongfu, max_steps=...)`")
    run.add_argument("-np", type=int, metavar="N", help="start N ranks for it")
    run.add_argument(
        "--launcher",
        choices=("horovod", "torch"),
        default="horovod",
        help="who starts them (default: horovod)",
    )
    run.add_argument("-H", "--hosts", metavar="H", help="on these hosts, over ssh, as in a:2,b:2")
    run.add_argument("--ssh-port", type=int, metavar="N", help="where the sshd of the hosts listen")
    run.add_argument("--ssh-identity-file", metavar="F", help="the key for ssh")
    run.add_argument(
        "--hostfile", type=Path, metavar="F", help="on the hosts of F (`node-0 slots=2`), by ssh"
    )
    run.add_argument("--interface", metavar="I", help="the network interface between the hosts, such as eth0")
    run.add_argument("--name", metavar="R", help="what the run is called; by default as the kid is")
    run.add_argument("--steps", type=int, metavar="N", help="train up to step N")
    run.add_argument("--epochs", type=float, metavar="N", help="train up to epoch N")
    run.add_argument("--lr", type=float, metavar="X", help="begin with this learning rate")
    run.add_argument("--resume", action="store_true", help="go on with the run of this name, if there is one")
    run.set_defaults(command=train)


def train(options: argparse.Namespace) -> int:
    """Start the ranks, or be one."""
    if options.np is not None:
        from akidlab.dispatch.program import run_on_ranks

        program = [
            "-m",
            "akidlab.cli",
            "run",
            str(options.file),
            *words(options),
            *["--resume"] * options.resume,
        ]
        where: dict[str, Any] = {"hostfile": options.hostfile, "interface": options.interface}
        if options.hosts is not None:
            where = {"hosts": _hosts(options), "told": _say}
        return run_on_ranks(options.np, program, starter=options.launcher, **where)
    for option in ("hosts", "hostfile", "interface"):
        if getattr(options, option):
            raise DispatchError(f"`--{option}` is for starting ranks: say how many, with `-np`.")
    from akidlab.session.program import Program
    from akidlab.session.waiting import summary

    program = Program(
        options.file,
        options.name,
        options.steps,
        options.epochs,
        options.lr,
        resume=options.resume,
        launcher=options.launcher,
        told=_Teller(),
    )
    kid = program.train()
    if kid.engine.rank or kid.run is None:
        return 0
    status = kid.run.status
    print(summary(kid), flush=True)  # type: ignore[arg-type] - a kid, too, has a run
    return ENDS.get(status, 1)


def _hosts(options: argparse.Namespace) -> Hosts:
    from akidlab.dispatch.hosts import Hosts

    ways = {"port": options.ssh_port, "identity": options.ssh_identity_file, "interface": options.interface}
    return Hosts.parse(options.hosts, **ways)


def _say(text: str) -> None:
    print(text, flush=True)


class _Teller:
    """Writes a line now and then: what a cluster keeps of a training is its output."""

    def __init__(self) -> None:
        self._told: float | None = None

    def __call__(self, kid: Kid, loss: float) -> None:
        now = time.monotonic()
        if self._told is None or now - self._told >= PAUSE:
            self._told = now
            print(f"step {kid.step} of {kid.last_step}, loss {loss:.4g}", flush=True)


def words(options: argparse.Namespace, *names: str) -> list[str]:
    """The options of a training that were given, as words for another command line.

    Example:
        >>> words(argparse.Namespace(name="digits", steps=None, epochs=2.5, lr=None))
        ['--name', 'digits', '--epochs', '2.5']
    """
    given = {name: getattr(options, name) for name in names or ("name", "steps", "epochs", "lr")}
    return [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]
