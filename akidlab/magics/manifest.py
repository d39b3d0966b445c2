"""`%%akid_train --manifest F`: the cell as what a cluster runs, instead of a training here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from akidlab import config
from akidlab.errors import MagicError
from akidlab.magics import arguments, body

ELSEWHERE = {  # options that a cluster does not know: what to write in the cell instead
    "kid": "Call it `kid` in the cell.",
    "resume": "A job goes on with its own run when it is started again; in the cell, `kid.restore(...)`.",
    "watch": 'In the cell: `kid.watch("weights", every=10)`.',
    "every": "In the cell: `kid.watch(..., every=10)`.",
    "budget": 'In the cell: `kid.watch(..., budget="2%")`.',
    "exact": "In the cell: `kid.watch(..., exact=True)`.",
    "metrics": 'In the cell: `kid.watch(..., metrics=["norm:weights"])`.',
    "guard": 'In the cell: `Kid(..., guard="stop")`.',
    "tensorboard": "Its run is in the store, from which TensorBoard files can be made later.",
    "background": "It runs elsewhere anyway.",
}


def write(shell: Any, asked: argparse.Namespace, line: str, cell: str | None) -> None:
    """Write the files, and say what to do with them; nothing is trained here.

    Raises:
        MagicError: if there is no cell, or it needs what cannot be written down.
    """
    __tracebackhide__ = True
    from akidlab.dispatch.manifest import ClusterJob, advice, named_after
    from akidlab.dispatch.manifest import write as write_files

    target = Path(asked.manifest)
    with arguments.plainly():
        job = ClusterJob(
            asked.name or named_after(target),
            _program(shell, asked, line, cell),
            _options(asked),
            ranks=arguments.whole("-np", asked.np) or 2,
        )
        files = write_files(job, target)
    if not config.quiet():
        print("\n".join(map(str, files)))
        print(advice(target, job.image))


def _program(shell: Any, asked: argparse.Namespace, line: str, cell: str | None) -> str:
    from akidlab.session.written import written_out

    if cell is None:
        raise MagicError(
            "`--manifest` writes down the cell that makes the kid: put `%%akid_train --manifest F` above it."
        )
    for option, advice in ELSEWHERE.items():
        if getattr(asked, option):
            raise MagicError(f"`{option}` does not go into a manifest. {advice}")
    source = shell.transform_cell(body.with_first_line(line, cell))
    try:
        return written_out(source, shell.user_module.__dict__, "<cell>") + "\n"
    except SyntaxError as error:
        raise body.not_python(shell, error) from None


def _options(asked: argparse.Namespace) -> tuple[str, ...]:
    steps, epochs = arguments.whole("--steps", asked.steps), arguments.number("--epochs", asked.epochs)
    if steps is not None and epochs is not None:
        raise MagicError("Say `--steps` or `--epochs`, not both.")
    given = {"--steps": steps, "--epochs": epochs, "--lr": arguments.number("--lr", asked.lr)}
    return tuple(word for name, value in given.items() if value is not None for word in (name, str(value)))
