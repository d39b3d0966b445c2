"""Manifests: what a cluster runs. A program, an image, and how Kubernetes or Slurm starts its ranks."""

from akidlab.dispatch.manifest.job import ClusterJob
from akidlab.dispatch.manifest.mpijob import mpijob
from akidlab.dispatch.manifest.slurm import slurm
from akidlab.dispatch.manifest.trainjob import trainjob
from akidlab.dispatch.manifest.write import write

__all__ = ["ClusterJob", "mpijob", "slurm", "trainjob", "write"]
