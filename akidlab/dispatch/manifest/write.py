"""Writing: a job as the files that a cluster takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from akidlab.dispatch.manifest.docker import dockerfile
from akidlab.dispatch.manifest.job import ClusterJob
from akidlab.dispatch.manifest.mpijob import mpijob
from akidlab.dispatch.manifest.slurm import slurm
from akidlab.dispatch.manifest.trainjob import trainjob
from akidlab.dispatch.manifest.volumes import PROGRAM
from akidlab.errors import DispatchError

FILES: dict[str, Callable[[ClusterJob], str]] = {
    PROGRAM: lambda job: job.program,
    "Dockerfile": dockerfile,
    "mpijob.yaml": lambda job: as_yaml(mpijob(job)),
    "trainjob.yaml": lambda job: as_yaml(trainjob(job)),
    "job.slurm": slurm,
}


def write(job: ClusterJob, target: Path) -> list[Path]:
    """Write what a cluster runs, and tell which files.

    Args:
        job: what it is to train.
        target: a folder, for everything; or one file: `*.yaml` becomes the MPIJob, `*.slurm` the script of
            Slurm, with the program beside it.

    Raises:
        DispatchError: if it cannot be written, or ends in something else.

    Example:
        >>> [path.name for path in write(ClusterJob("digits", "kid = ..."), Path("cluster"))]
        ['train.py', 'Dockerfile', 'mpijob.yaml', 'trainjob.yaml', 'job.slurm']
    """
    files = {path: make(job) for path, make in _paths(target).items()}  # all of them, or none
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DispatchError(f"{error.filename or target} cannot be written: {error.strerror}.") from None
    return list(files)


def advice(target: Path, image: str) -> str:
    """What to do with what was written."""
    if target.suffix in (".yaml", ".yml"):
        return f"Then: kubectl apply -f {target}"
    if target.suffix:
        return f"Then: cd {target.parent} && sbatch {target.name}"
    return (
        f"Then: docker build -f {target}/Dockerfile -t {image} CHECKOUT_OF_AKIDLAB, push it, and"
        f" kubectl apply -f {target}/mpijob.yaml (or trainjob.yaml).\n"
        f"Or:   cd {target} && sbatch job.slurm"
    )


def as_yaml(documents: list[dict[str, Any]]) -> str:
    """Documents for `kubectl`, in the order given.

    Example:
        >>> print(as_yaml([{"kind": "ConfigMap", "data": {"train.py": "a = 1\\nb = 2\\n"}}]), end="")
        kind: ConfigMap
        data:
          train.py: |
            a = 1
            b = 2
    """
    return yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=110
    )


def _paths(target: Path) -> dict[Path, Callable[[ClusterJob], str]]:
    if target.suffix in (".yaml", ".yml"):
        return {target: FILES["mpijob.yaml"]}
    if target.suffix in (".slurm", ".sbatch", ".sh"):
        return {target.parent / PROGRAM: FILES[PROGRAM], target: slurm}
    if target.suffix:
        raise DispatchError(
            f"A manifest is written to a folder, or to a file *.yaml or *.slurm; found {str(target)!r}."
        )
    return {target / name: make for name, make in FILES.items()}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and every value as often as it occurs."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
