"""Manifests: what a cluster runs. A program, an image, and how Kubernetes or Slurm starts its ranks."""

from akidlab.dispatch.manifest.job import ClusterJob, named_after
from akidlab.dispatch.manifest.mpijob import mpijob
from akidlab.dispatch.manifest.slurm import slurm
from akidlab.dispatch.manifest.trainjob import trainjob
from akidlab.dispatch.manifest.write import advice, write

__all__ = ["ClusterJob", "advice", "mpijob", "named_after", "slurm", "trainjob", "write"]
