"""The Dockerfile of the image that the pods run."""

from __future__ import annotations

import json

from akidlab.dispatch.manifest.job import ClusterJob
from akidlab.dispatch.manifest.pods import HOME, KEYS, PORT, USER
from akidlab.dispatch.manifest.volumes import DATA, JOB, STORE

CPU = "debian:bookworm-slim"
CUDA = "nvidia/cuda:13.0.1-cudnn-devel-ubuntu24.04"  # the CUDA of torch 2.13, as pip finds it
CARDS = "75,80,86,89,90,100,120"  # no GPU is seen while an image is built
PIP = ["/opt/akid/bin/pip", "install", "--no-cache-dir", "-c", "/opt/akidlab/constraints.txt"]
SERVER = [
    f"Port {PORT}",
    f"HostKey {KEYS}/id_rsa",
    f"AuthorizedKeysFile {KEYS}/authorized_keys",
    "PidFile none",
    "StrictModes no",  # the keys are mounted, and belong to root
    "UsePAM no",
    "PasswordAuthentication no",
]
CLIENT = ["Host *", f"  Port {PORT}", "  UserKnownHostsFile /dev/null", "  LogLevel ERROR"]


def dockerfile(job: ClusterJob) -> str:
    """An image with akidlab, Horovod and an sshd that needs no root; built in a checkout of akidlab.

    The build compiles Horovod, with NCCL where the job has GPUs: minutes, once.
    """
    return f"""\
# docker build -f Dockerfile -t {job.image} CHECKOUT_OF_AKIDLAB
# For another CUDA: --build-arg BASE=nvidia/cuda:...; for another torch: --build-arg PIP_EXTRA_INDEX_URL=...
ARG BASE={CUDA if job.gpus else CPU}
FROM ${{BASE}}
ARG PIP_EXTRA_INDEX_URL
ENV PATH=/opt/akid/bin:$PATH PYTHONUNBUFFERED=1

RUN apt-get update \\
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \\
      ca-certificates g++ make openssh-client openssh-server python3 python3-dev python3-venv \\
 && rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_*

COPY pyproject.toml hatch_build.py constraints.txt README.md LICENSE /opt/akidlab/
COPY akidlab /opt/akidlab/akidlab
COPY extensions/jupyter-config /opt/akidlab/extensions/jupyter-config
RUN python3 -m venv /opt/akid
RUN {json.dumps([*PIP, "torch", "-e", "/opt/akidlab[horovod]"])}
RUN {_horovod(job)} && rm -rf /tmp/wheel
{_requirements(job)}
# The ranks are started over ssh, with keys that the operator makes for each job and mounts at {KEYS}.
RUN useradd --create-home --home-dir {HOME} --uid {USER} akid \\
 && mkdir -p {JOB} {DATA} {STORE} && chown akid {JOB} {DATA} {STORE} \\
 && printf '%s\\n' {_quoted(SERVER)} > /etc/ssh/akid_sshd_config \\
 && printf '%s\\n' {_quoted(CLIENT)} > /etc/ssh/ssh_config.d/akid.conf
USER {USER}
WORKDIR {JOB}
"""


def _horovod(job: ClusterJob) -> str:
    build = "AKIDLAB_CACHE=/tmp/wheel akidlab install-horovod --nccl"
    return f"HOROVOD_BUILD_CUDA_CC_LIST={CARDS} {build} on" if job.gpus else f"{build} off"


def _requirements(job: ClusterJob) -> str:
    return f"RUN {json.dumps([*PIP, *job.requirements])}\n" if job.requirements else ""


def _quoted(lines: list[str]) -> str:
    return " ".join(f"'{line}'" for line in lines)
