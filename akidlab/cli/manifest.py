"""`akidlab manifest FILE`: what a cluster needs to train the kid of a file."""

from __future__ import annotations

import argparse
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from akidlab.errors import DispatchError

NUMBERS = {  # field of ClusterJob: metavar, help
    "per_node": ("N", "ranks that share a node"),
    "cpus": ("N", "cores of each rank"),
    "memory": ("GIB", "memory of each rank"),
    "gpus": ("N", "GPUs of each rank"),
    "size": ("GIB", "size of each claim that is made"),
    "restarts": ("N", "how often Kubernetes starts it again after a failure"),
}
WORDS = {
    "image": ("I", "what the pods run, built from the Dockerfile"),
    "data": ("V", "data sets: a claim, a folder on every node (/mnt/gluster/data), or nfs://server/folder"),
    "store": ("V", "runs, likewise; every node writes there"),
    "storage_class": ("C", "make the claims, of this class (of GlusterFS, say); without, they are there"),
    "namespace": ("S", "of Kubernetes"),
    "interface": ("I", "network interface between the nodes, such as eth0"),
    "partition": ("P", "of Slurm"),
    "time": ("T", "how long Slurm lets it run, such as 12:00:00"),
    "venv": ("V", "the virtual environment on Slurm's nodes"),
}


def add(commands: Any) -> None:
    """Declare the command."""
    manifest = commands.add_parser(
        "manifest",
        help="write what a cluster runs: Kubernetes, Slurm, a Dockerfile",
        description="Write what a cluster needs to train the kid of a Python file: the program, a Dockerfile,"
        " an MPIJob (Kubeflow's MPI operator) and a TrainJob (Kubeflow Trainer), and a Slurm script. The job"
        " goes on where it was when it is started again. No secret is written, and none is needed.",
        epilog="Every pod runs `akidlab run`; try the file here first: `akidlab run FILE -np 2`.",
    )
    manifest.add_argument("file", type=Path, help="makes the kid: `kid = Kid(sensor, brain, kongfu, ...)`")
    manifest.add_argument(
        *("-o", "--output"),
        type=Path,
        default=Path("cluster"),
        metavar="F",
        help="a folder for everything (default: cluster), or one file: *.yaml for the MPIJob, *.slurm",
    )
    manifest.add_argument("--name", metavar="N", help="of the job and the run; by default the file's")
    manifest.add_argument("-np", type=int, default=2, metavar="N", help="ranks in all (default: 2)")
    _add_fields(manifest)
    manifest.add_argument(
        "--require", action="append", default=[], metavar="P", help="a package for the image; may be repeated"
    )
    manifest.add_argument("--steps", type=int, metavar="N", help="train up to step N")
    manifest.add_argument("--epochs", type=float, metavar="N", help="train up to epoch N")
    manifest.add_argument("--lr", type=float, metavar="X", help="begin with this learning rate")
    manifest.set_defaults(command=write)


def write(options: argparse.Namespace) -> int:
    """Write the files and say what to do with them."""
    from akidlab.cli.program import words
    from akidlab.dispatch.manifest import ClusterJob, advice, named_after
    from akidlab.dispatch.manifest import write as write_files

    chosen = {name: getattr(options, name) for name in (*NUMBERS, *WORDS)}
    job = ClusterJob(
        options.name or named_after(options.file),
        _read(options.file),
        tuple(words(options, "steps", "epochs", "lr")),
        ranks=options.np,
        requirements=tuple(options.require),
        **chosen,
    )
    for path in write_files(job, options.output):
        print(path)
    print(advice(options.output, job.image))
    return 0


def _add_fields(manifest: argparse.ArgumentParser) -> None:
    from akidlab.dispatch.manifest.job import ClusterJob

    usual = {field.name: field.default for field in fields(ClusterJob) if field.default is not MISSING}
    for table, kind in ((NUMBERS, int), (WORDS, str)):
        for name, (metavar, text) in table.items():
            option, default = f"--{name.replace('_', '-')}", usual[name]
            told = text if default is None else f"{text} (default: {default})"
            manifest.add_argument(option, type=kind, default=default, metavar=metavar, help=told)


def _read(file: Path) -> str:
    if file.suffix == ".ipynb":
        raise DispatchError(
            f"{file} is a notebook. Write `%%akid_train -np 2 --manifest cluster` on top of the cell that"
            " makes the kid."
        )
    try:
        text = file.read_text(encoding="utf-8")
        compile(text, str(file), "exec")
    except OSError as error:
        raise DispatchError(f"{file} cannot be read: {error.strerror}.") from None
    except (SyntaxError, ValueError) as error:  # no text, or no Python
        raise DispatchError(f"{file} is not Python: {error}.") from None
    return text
