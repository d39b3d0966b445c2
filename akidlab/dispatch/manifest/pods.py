"""Pods: those that wait for ranks behind an sshd, and the one that starts the ranks there."""

from __future__ import annotations

from typing import Any

from akidlab.dispatch.manifest.job import ClusterJob
from akidlab.dispatch.manifest.volumes import DATA, JOB, PROGRAM, STORE, mounts, volumes

USER = 10001  # nobody's yet in the images that the Dockerfile begins with
HOME = "/home/akid"
KEYS = f"{HOME}/.ssh"  # where the operators put the keys that they make for a job
PORT = 2222  # of the sshd: below 1024 it would have to be root's
HOSTFILE = "/etc/mpi/hostfile"  # where the operators say which pods there are
SSHD = ["/usr/sbin/sshd", "-De", "-f", "/etc/ssh/akid_sshd_config"]

Body = dict[str, Any]


def command(job: ClusterJob) -> list[str]:
    """What starts the ranks, once the pods are there."""
    interface = [] if job.interface is None else ["--interface", job.interface]
    return [
        *("akidlab", "run", f"{JOB}/{PROGRAM}", "-np", str(job.ranks), "--hostfile", HOSTFILE, *interface),
        *("--name", job.name, "--resume", *job.options),
    ]


def launcher(job: ClusterJob, name: str) -> Body:
    """The pod that starts the ranks, and ends with them; it computes nothing itself."""
    return _pod(job, {"name": name, "command": command(job), "resources": _resources(1, 1)})


def node(job: ClusterJob, name: str) -> Body:
    """A pod that has room for some ranks."""
    needs = _resources(job.cpus * job.per_node, job.memory * job.per_node, job.gpus * job.per_node)
    probe = {"tcpSocket": {"port": PORT}, "initialDelaySeconds": 2, "periodSeconds": 2}
    ports = [{"containerPort": PORT, "name": "ssh"}]
    return _pod(
        job, {"name": name, "command": SSHD, "ports": ports, "readinessProbe": probe, "resources": needs}
    )


def _pod(job: ClusterJob, container: Body) -> Body:
    what = {"image": job.image, "workingDir": JOB, "env": _environment(job), "volumeMounts": mounts()}
    quiet = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
        },
        "containers": [{**container, **what, "securityContext": quiet}],
        "volumes": volumes(job),
    }


def _environment(job: ClusterJob) -> list[Body]:
    """What the ranks get to know; `akidlab run` passes these on, and nothing that may be secret."""
    said = {"AKID_RUNS": STORE, "AKID_DATA_PATH": DATA, "OMP_NUM_THREADS": str(job.cpus)}
    return [{"name": name, "value": value} for name, value in said.items()]


def _resources(cpus: int, memory: int, gpus: int = 0) -> Body:
    needs = {"cpu": str(cpus), "memory": f"{memory}Gi"}
    if gpus:
        needs["nvidia.com/gpu"] = str(gpus)
    return {"requests": needs, "limits": dict(needs)}
