"""Reading the command line of `akidlab`; each command's work lies in a file of its own."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from akidlab import __version__
from akidlab.cli import manifest, program, scaling
from akidlab.errors import AkidlabError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, or 1 when something is wrong.

    Example:
        >>> main(["version"])  # doctest: +SKIP
        akidlab 0.1.0
        0
    """
    options = parser().parse_args(argv)
    try:
        status = options.command(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # `akidlab runs | head`: nobody reads on, nor may Python try when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except AkidlabError as error:
        print(f"akidlab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("akidlab: interrupted", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    commands = argparse.ArgumentParser(prog="akidlab", description="A deep-learning workbench for notebooks.")
    commands.add_argument("--version", action="version", version=f"akidlab {__version__}")
    adding = commands.add_subparsers(required=True, metavar="COMMAND", title="commands")

    install = adding.add_parser("install-horovod", help="build Horovod for the installed torch, and try it")
    choices = ("auto", "on", "off")
    install.add_argument("--nccl", choices=choices, default="auto", help="NCCL for GPUs (default: auto)")
    install.add_argument("--force", action="store_true", help="build anew although a fitting wheel is kept")
    install.set_defaults(command=_install_horovod)

    doctor = adding.add_parser("doctor", help="show what is installed, and what to do about each problem")
    doctor.set_defaults(command=_doctor)

    runs = adding.add_parser("runs", help="list the runs of a project")
    runs.add_argument(
        "folder", nargs="?", help="the store's folder (default: AKID_RUNS, else akid_runs here)"
    )
    runs.set_defaults(command=_runs)

    program.add(adding)
    manifest.add(adding)
    scaling.add(adding)

    version = adding.add_parser("version", help="print the version")
    version.set_defaults(command=_version)
    return commands


def _install_horovod(options: argparse.Namespace) -> int:
    from akidlab.cli.progress import Progress
    from akidlab.dispatch.install import install_horovod

    with Progress("compiling Horovod") as progress:
        install_horovod(nccl=options.nccl, force=options.force, say=progress.say, progress=progress.advance)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from akidlab.cli.doctor import show

    return show()


def _runs(options: argparse.Namespace) -> int:
    from akidlab.store import Store

    print(Store(options.folder).runs())
    return 0


def _version(options: argparse.Namespace) -> int:
    print(f"akidlab {__version__}")
    return 0
