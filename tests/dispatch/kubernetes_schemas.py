"""What Kubernetes and Kubeflow accept, written down from their published definitions; no other field is.

Sources: `MPIJob` of kubeflow.org/v2beta1 (kubeflow/mpi-operator, pkg/apis/kubeflow/v2beta1/types.go and the
validation beside it), `TrainJob` and `TrainingRuntime` of trainer.kubeflow.org/v1alpha1 (kubeflow/trainer,
pkg/apis/trainer/v1alpha1), `JobSet` of jobset.x-k8s.io/v1alpha2 (kubernetes-sigs/jobset), and batch/v1 and
core/v1 of Kubernetes. Of core/v1 the fields stand here that a training could sensibly use.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def record(required: str = "", /, **fields: Schema) -> Schema:
    """An object with these fields and no other."""
    return {
        "type": "object",
        "properties": fields,
        "required": required.split(),
        "additionalProperties": False,
    }


def several(item: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": item, "minItems": least}


def mapping(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value}


def one_of(*values: str) -> Schema:
    return {"enum": list(values)}


def whole(least: int = 0) -> Schema:
    return {"type": "integer", "minimum": least}


TEXT: Schema = {"type": "string"}
YES: Schema = {"type": "boolean"}
LABEL: Schema = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63}
SUBDOMAIN: Schema = {"type": "string", "pattern": "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", "maxLength": 253}
LABEL_KEY: Schema = {"pattern": "^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"}
LABEL_VALUE: Schema = {"type": "string", "pattern": "^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$"}
QUANTITY: Schema = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$"}
ABSOLUTE: Schema = {"type": "string", "pattern": "^/"}
LABELS: Schema = {**mapping(LABEL_VALUE), "propertyNames": LABEL_KEY}

METADATA = record("name", name=SUBDOMAIN, namespace=LABEL, labels=LABELS, annotations=mapping(TEXT))
OF_A_TEMPLATE = record(labels=LABELS, annotations=mapping(TEXT))


def kind(api: str, name: str, required: str = "", /, **fields: Schema) -> Schema:
    """A whole document."""
    head = {"apiVersion": {"const": api}, "kind": {"const": name}, "metadata": METADATA}
    return record(f"apiVersion kind metadata {required}", **head, **fields)


# ------------------------------------------------------------------------------------------------ core/v1

RESOURCES = record(
    requests={**mapping(QUANTITY), "propertyNames": LABEL_KEY},
    limits={**mapping(QUANTITY), "propertyNames": LABEL_KEY},
)
PORT_NUMBER: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
PROBE = record(
    tcpSocket=record("port", port=PORT_NUMBER, host=TEXT),
    exec=record("command", command=several(TEXT)),
    initialDelaySeconds=whole(),
    periodSeconds=whole(1),
    timeoutSeconds=whole(1),
    failureThreshold=whole(1),
)
CONTAINER = record(
    "name image",
    name=LABEL,
    image={"type": "string", "minLength": 1},
    command=several(TEXT),
    args=several(TEXT),
    workingDir=TEXT,
    env=several(record("name", name={"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}, value=TEXT)),
    ports=several(
        record(
            "containerPort",
            containerPort=PORT_NUMBER,
            name={"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 15},
            protocol=one_of("TCP", "UDP", "SCTP"),
        )
    ),
    resources=RESOURCES,
    volumeMounts=several(record("name mountPath", name=LABEL, mountPath=TEXT, readOnly=YES, subPath=TEXT)),
    readinessProbe=PROBE,
    livenessProbe=PROBE,
    imagePullPolicy=one_of("Always", "IfNotPresent", "Never"),
    securityContext=record(
        allowPrivilegeEscalation=YES,
        capabilities=record(add=several(TEXT), drop=several(TEXT)),
        runAsUser=whole(),
        runAsGroup=whole(),
        runAsNonRoot=YES,
        readOnlyRootFilesystem=YES,
    ),
)
VOLUME: Schema = {
    **record(
        "name",
        name=LABEL,
        configMap=record("name", name=SUBDOMAIN, defaultMode=whole(), optional=YES),
        persistentVolumeClaim=record("claimName", claimName=SUBDOMAIN, readOnly=YES),
        emptyDir=record(medium=one_of("", "Memory"), sizeLimit=QUANTITY),
        hostPath=record("path", path=ABSOLUTE, type=one_of("", "Directory", "DirectoryOrCreate")),
        nfs=record("server path", server=TEXT, path=ABSOLUTE, readOnly=YES),
    ),
    "minProperties": 2,
    "maxProperties": 2,  # its name, and one source
}


def pod(*restart_policies: str) -> Schema:
    """A pod's specification."""
    return record(
        "containers",
        containers=several(CONTAINER, 1),
        initContainers=several(CONTAINER),
        volumes=several(VOLUME),
        restartPolicy=one_of(*restart_policies),
        nodeSelector=mapping(TEXT),
        serviceAccountName=SUBDOMAIN,
        terminationGracePeriodSeconds=whole(),
        securityContext=record(
            runAsUser=whole(),
            runAsGroup=whole(),
            runAsNonRoot=YES,
            fsGroup=whole(),
            fsGroupChangePolicy=one_of("Always", "OnRootMismatch"),
        ),
    )


CONFIG_MAP = kind(
    "v1",
    "ConfigMap",
    data={**mapping(TEXT), "propertyNames": {"pattern": "^[-._a-zA-Z0-9]+$"}},
    immutable=YES,
)
CLAIM = kind(
    "v1",
    "PersistentVolumeClaim",
    "spec",
    spec=record(
        "accessModes resources",
        accessModes=several(one_of("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"), 1),
        storageClassName=SUBDOMAIN,
        volumeMode=one_of("Filesystem", "Block"),
        volumeName=SUBDOMAIN,
        resources=record("requests", requests=record("storage", storage=QUANTITY)),
    ),
)

# --------------------------------------------------------------------------- kubeflow.org/v2beta1: MPIJob

REPLICAS = record(
    "template",
    replicas=whole(1),
    restartPolicy=one_of("Never", "OnFailure"),  # the operator's validation allows no other
    template=record("spec", metadata=OF_A_TEMPLATE, spec=pod("Always", "OnFailure", "Never")),
)
ONE_LAUNCHER: Schema = {"allOf": [REPLICAS, {"properties": {"replicas": {"const": 1}}}]}
MPI_JOB = kind(
    "kubeflow.org/v2beta1",
    "MPIJob",
    "spec",
    spec=record(
        "mpiReplicaSpecs",
        slotsPerWorker=whole(1),
        runLauncherAsWorker=YES,
        runPolicy=record(
            cleanPodPolicy=one_of("None", "Running", "All"),
            ttlSecondsAfterFinished=whole(),
            activeDeadlineSeconds=whole(),
            backoffLimit=whole(),
            schedulingPolicy=record(
                minAvailable=whole(),
                queue=TEXT,
                minResources=mapping(QUANTITY),
                priorityClass=TEXT,
                scheduleTimeoutSeconds=whole(),
            ),
            suspend=YES,
            managedBy=TEXT,
        ),
        mpiReplicaSpecs=record("Launcher", Launcher=ONE_LAUNCHER, Worker=REPLICAS),
        sshAuthMountPath=ABSOLUTE,
        launcherCreationPolicy=one_of("AtStartup", "WaitForWorkersReady"),
        mpiImplementation=one_of("OpenMPI", "Intel", "MPICH"),
    ),
)

# ------------------------------------------------------------ trainer.kubeflow.org/v1alpha1, JobSet, batch/v1

JOB = record(
    "template",
    backoffLimit=whole(),
    parallelism=whole(),
    completions=whole(),
    activeDeadlineSeconds=whole(),
    ttlSecondsAfterFinished=whole(),
    template=record("spec", metadata=OF_A_TEMPLATE, spec=pod("OnFailure", "Never")),
)
JOB_SET = record(
    replicatedJobs=several(
        record(
            "name template",
            name=LABEL,
            replicas=whole(1),
            groupName=LABEL,
            template=record("spec", metadata=OF_A_TEMPLATE, spec=JOB),
            dependsOn=several(record("name status", name=LABEL, status=one_of("Ready", "Complete"))),
        )
    ),
    network=record(enableDNSHostnames=YES, subdomain=LABEL, publishNotReadyAddresses=YES),
    successPolicy=record("operator", operator=one_of("All", "Any"), targetReplicatedJobs=several(LABEL)),
    failurePolicy=record(maxRestarts=whole(), restartStrategy=one_of("Recreate", "BlockingRecreate")),
    suspend=YES,
    ttlSecondsAfterFinished=whole(),
)
PROCESSES: Schema = {"anyOf": [whole(1), one_of("auto", "cpu", "gpu")]}
POLICY: Schema = {
    **record(
        numNodes=whole(1),
        torch=record(numProcPerNode=PROCESSES),
        mpi=record(
            numProcPerNode=whole(1),
            mpiImplementation=one_of("OpenMPI"),
            sshAuthMountPath=ABSOLUTE,
            runLauncherAsNode=YES,
        ),
    ),
    "not": {"required": ["torch", "mpi"]},
}
RUNTIME = kind(
    "trainer.kubeflow.org/v1alpha1",
    "TrainingRuntime",
    "spec",
    spec=record(
        "template",
        mlPolicy=POLICY,
        podGroupPolicy=record(coscheduling=record(scheduleTimeoutSeconds=whole())),
        template=record("spec", metadata=OF_A_TEMPLATE, spec=JOB_SET),
    ),
)
TRAIN_JOB = kind(
    "trainer.kubeflow.org/v1alpha1",
    "TrainJob",
    "spec",
    spec=record(
        "runtimeRef",
        runtimeRef=record(
            "name",
            name=SUBDOMAIN,
            apiGroup={"const": "trainer.kubeflow.org"},
            kind=one_of("TrainingRuntime", "ClusterTrainingRuntime"),
        ),
        trainer=record(
            image={"type": "string", "maxLength": 500},
            command={**several({"type": "string", "maxLength": 65536}), "maxItems": 128},
            args={**several({"type": "string", "maxLength": 65536}), "maxItems": 128},
            env=CONTAINER["properties"]["env"],
            numNodes=whole(1),
            resourcesPerNode=RESOURCES,
            numProcPerNode=whole(1),
        ),
        suspend=YES,
        activeDeadlineSeconds=whole(1),
        managedBy=one_of("trainer.kubeflow.org/trainjob-controller", "kueue.x-k8s.io/multikueue"),
    ),
)

BY_KIND = {
    "ConfigMap": CONFIG_MAP,
    "PersistentVolumeClaim": CLAIM,
    "MPIJob": MPI_JOB,
    "TrainingRuntime": RUNTIME,
    "TrainJob": TRAIN_JOB,
}
