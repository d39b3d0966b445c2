"""Watching: an exporter, percentiles, metrics, a doctor and a governor put together around one training."""

from akidlab.watching.options import WatchOptions
from akidlab.watching.watch import Watch

__all__ = ["Watch", "WatchOptions"]
