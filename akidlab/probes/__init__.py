"""Probes: what takes long to compute, on a snapshot of the weights, in a process of its own."""

from akidlab.probes.probe import Probe
from akidlab.probes.starting import probe

__all__ = ["Probe", "probe"]
