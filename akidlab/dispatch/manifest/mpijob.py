"""An MPIJob for the MPI operator of Kubeflow (kubeflow.org/v2beta1, its release 0.5 or newer)."""

from __future__ import annotations

from typing import Any

from akidlab.dispatch.manifest import pods
from akidlab.dispatch.manifest.job import ClusterJob
from akidlab.dispatch.manifest.volumes import claims, config_map, metadata


def mpijob(job: ClusterJob) -> list[dict[str, Any]]:
    """What `kubectl apply` gets: the program, the claims to be made, and the job.

    The operator makes the keys and the list of hosts; the launcher starts the ranks with `horovodrun` over
    ssh. No MPI is in it.

    Example:
        >>> [part["kind"] for part in mpijob(ClusterJob("digits", "kid = ...", storage_class="gluster"))]
        ['ConfigMap', 'PersistentVolumeClaim', 'PersistentVolumeClaim', 'MPIJob']
    """
    return [config_map(job), *claims(job), _job(job)]


def _job(job: ClusterJob) -> dict[str, Any]:
    return {
        "apiVersion": "kubeflow.org/v2beta1",
        "kind": "MPIJob",
        "metadata": metadata(job),
        "spec": {
            "slotsPerWorker": job.per_node,
            "launcherCreationPolicy": "WaitForWorkersReady",
            "sshAuthMountPath": pods.KEYS,
            "runPolicy": {"cleanPodPolicy": "Running", "backoffLimit": job.restarts},
            "mpiReplicaSpecs": {
                "Launcher": _replicas(1, pods.launcher(job, "launcher")),
                "Worker": _replicas(job.nodes, pods.node(job, "worker")),
            },
        },
    }


def _replicas(count: int, pod: dict[str, Any]) -> dict[str, Any]:
    return {"replicas": count, "restartPolicy": "OnFailure", "template": {"spec": pod}}
