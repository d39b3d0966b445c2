"""A TrainJob for Kubeflow Trainer 2 (trainer.kubeflow.org/v1alpha1), with a runtime of its own."""

from __future__ import annotations

from typing import Any

from akidlab.dispatch.manifest import pods
from akidlab.dispatch.manifest.job import ClusterJob
from akidlab.dispatch.manifest.volumes import claims, config_map, metadata

API = "trainer.kubeflow.org/v1alpha1"
STEP = {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}  # marks what the TrainJob's command is for

Body = dict[str, Any]


def trainjob(job: ClusterJob) -> list[Body]:
    """What `kubectl apply` gets: the program, the claims to be made, a TrainingRuntime, and the job.

    Volumes, users and images of all pods stand in the runtime: how a TrainJob itself may change them has
    another name in each release of the trainer.

    Example:
        >>> [part["kind"] for part in trainjob(ClusterJob("digits", "kid = ..."))]
        ['ConfigMap', 'TrainingRuntime', 'TrainJob']
    """
    return [config_map(job), *claims(job), _runtime(job), _job(job)]


def _runtime(job: ClusterJob) -> Body:
    network = {
        "numProcPerNode": job.per_node,
        "mpiImplementation": "OpenMPI",  # in whose manner the hosts are listed
        "sshAuthMountPath": pods.KEYS,
        "runLauncherAsNode": False,
    }
    return {
        "apiVersion": API,
        "kind": "TrainingRuntime",
        "metadata": metadata(job),
        "spec": {
            "mlPolicy": {"numNodes": job.nodes, "mpi": network},
            "template": {
                "spec": {
                    "network": {"publishNotReadyAddresses": True},
                    "successPolicy": {"operator": "All", "targetReplicatedJobs": ["launcher"]},
                    "failurePolicy": {"maxRestarts": job.restarts},
                    "replicatedJobs": [_nodes(job), _launcher(job)],
                }
            },
        },
    }


def _nodes(job: ClusterJob) -> Body:
    return {"name": "node", "template": {"spec": {"template": _template(pods.node(job, "node"))}}}


def _launcher(job: ClusterJob) -> Body:
    spec = {
        "backoffLimit": 0,
        "template": _template(pods.launcher(job, "node")),
    }  # the set is restarted whole
    return {
        "name": "launcher",
        "dependsOn": [{"name": "node", "status": "Ready"}],
        "template": {"metadata": {"labels": STEP}, "spec": spec},
    }


def _template(pod: Body) -> Body:
    return {"spec": {"restartPolicy": "Never", **pod}}


def _job(job: ClusterJob) -> Body:
    return {
        "apiVersion": API,
        "kind": "TrainJob",
        "metadata": metadata(job),
        "spec": {
            "runtimeRef": {
                "apiGroup": "trainer.kubeflow.org",
                "kind": "TrainingRuntime",
                "name": job.name,
            },
            "trainer": {
                "numNodes": job.nodes,
                "numProcPerNode": job.per_node,
                "image": job.image,
                "command": pods.command(job),
            },
        },
    }
