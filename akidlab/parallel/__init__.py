"""Parallel: one batch on several devices."""

from akidlab.parallel.devices import device
from akidlab.parallel.spread import broadcast, gather, scatter
from akidlab.parallel.threads import thread_run

__all__ = ["broadcast", "device", "gather", "scatter", "thread_run"]
