"""A script for Slurm: `sbatch job.slurm`."""

from __future__ import annotations

import shlex

from akidlab.dispatch.manifest.job import ClusterJob
from akidlab.dispatch.manifest.volumes import PROGRAM

FIRST_PORT, PORTS = 20_000, 10_000  # below those that Linux gives away by itself


def slurm(job: ClusterJob) -> str:
    """The script; the program lies beside it, in the folder where `sbatch` is called.

    `srun` starts the ranks, and each learns from Slurm which one it is: no ssh and no MPI. A job that is
    requeued goes on where it was.

    Example:
        >>> print(slurm(ClusterJob("digits", "kid = ...", ranks=4, per_node=2)).splitlines()[3])
        #SBATCH --ntasks=4
    """
    return "\n".join([*_head(job), "", *_body(job), ""])


def _head(job: ClusterJob) -> list[str]:
    asked = {
        "job-name": job.name,
        "nodes": job.nodes,
        "ntasks": job.ranks,
        "ntasks-per-node": job.per_node,
        "cpus-per-task": job.cpus,
        "mem": f"{job.memory * job.per_node}G",
        "gpus-per-task": job.gpus or None,
        "partition": job.partition,
        "time": job.time,
        "signal": "TERM@90",  # so long before its end every rank is told to save and stop
        "output": "%x-%j.log",
        "open-mode": "append",
    }
    lines = [f"#SBATCH --{option}={value}" for option, value in asked.items() if value is not None]
    return ["#!/bin/bash", *lines, "#SBATCH --requeue"]


def _body(job: ClusterJob) -> list[str]:
    words = ["--name", job.name, "--resume", *job.options]
    activate = [] if job.venv is None else [f". {shlex.quote(job.venv.rstrip('/') + '/bin/activate')}"]
    return [
        "set -euo pipefail",
        *activate,
        _folder("AKID_RUNS", job.store, "akid_runs"),
        _folder("AKID_DATA_PATH", job.data, "data"),
        'export OMP_NUM_THREADS="$SLURM_CPUS_PER_TASK"',
        "",
        "# Where the ranks meet: on the first node, at a port of this job's own.",
        'nodes=$(scontrol show hostnames "$SLURM_JOB_NODELIST")',
        "export MASTER_ADDR=${nodes%%$'\\n'*}",
        f"export MASTER_PORT=${{MASTER_PORT:-$(({FIRST_PORT} + SLURM_JOB_ID % {PORTS}))}}",
        "",
        'exec srun --kill-on-bad-exit=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" \\',
        f'  akidlab run "$SLURM_SUBMIT_DIR/{PROGRAM}" {shlex.join(words)}',
    ]


def _folder(variable: str, place: str, default: str) -> str:
    """Where data or runs lie: a folder that every node has, or beside the script."""
    if place.startswith("/"):
        return f"export {variable}={shlex.quote(place)}"
    return f'export {variable}="${{{variable}:-$SLURM_SUBMIT_DIR/{default}}}"'
