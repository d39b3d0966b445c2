"""Volumes: where the data and the runs of a job lie, and the program, as Kubernetes mounts them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from akidlab.dispatch.manifest.job import CLAIM, ClusterJob
from akidlab.errors import DispatchError

JOB, DATA, STORE = "/akid/job", "/akid/data", "/akid/runs"  # in the pods
PROGRAM = "train.py"

Body = dict[str, Any]


def source(place: str) -> Body:
    """The volume that a word of the user means.

    Raises:
        DispatchError: if it means none.

    Example:
        >>> source("akid-runs")
        {'persistentVolumeClaim': {'claimName': 'akid-runs'}}
        >>> source("/mnt/gluster/runs")
        {'hostPath': {'path': '/mnt/gluster/runs', 'type': 'Directory'}}
        >>> source("nfs://files/runs")
        {'nfs': {'server': 'files', 'path': '/runs'}}
    """
    if place.startswith("/"):
        return {"hostPath": {"path": place, "type": "Directory"}}
    parts = urlsplit(place)
    if parts.scheme == "nfs" and parts.netloc and parts.path:
        return {"nfs": {"server": parts.netloc, "path": parts.path}}
    if CLAIM.fullmatch(place):
        return {"persistentVolumeClaim": {"claimName": place}}
    raise DispatchError(
        f"{place!r} is no volume. Expected the name of a claim, the path of a folder that every node has, or"
        " `nfs://server/folder`."
    )


def volumes(job: ClusterJob) -> list[Body]:
    """What every pod of the job mounts."""
    return [
        {"name": "job", "configMap": {"name": job.name}},
        {"name": "data", **source(job.data)},
        {"name": "store", **source(job.store)},
        {"name": "shm", "emptyDir": {"medium": "Memory"}},  # workers of a sensor hand batches over in it
    ]


def mounts() -> list[Body]:
    """Where it mounts them."""
    return [
        {"name": "job", "mountPath": JOB, "readOnly": True},
        {"name": "data", "mountPath": DATA},
        {"name": "store", "mountPath": STORE},
        {"name": "shm", "mountPath": "/dev/shm"},
    ]


def claims(job: ClusterJob) -> list[Body]:
    """The claims to be made: those that the job names, if a storage class shall make them."""
    if job.storage_class is None:
        return []
    names = dict.fromkeys(
        place for place in (job.data, job.store) if "persistentVolumeClaim" in source(place)
    )
    return [_claim(job, name) for name in names]


def config_map(job: ClusterJob) -> Body:
    """The program, as the pods find it."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(job),
        "data": {PROGRAM: job.program},
    }


def metadata(job: ClusterJob, name: str | None = None) -> Body:
    """How Kubernetes knows an object of the job."""
    found: Body = {"name": name or job.name}
    if job.namespace is not None:
        found["namespace"] = job.namespace
    return {**found, "labels": {"app.kubernetes.io/name": "akidlab", "app.kubernetes.io/instance": job.name}}


def _claim(job: ClusterJob, name: str) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(job, name),
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "storageClassName": job.storage_class,
            "resources": {"requests": {"storage": f"{job.size}Gi"}},
        },
    }
