"""Training many kids: the tuner, and searches beyond its grid."""

from akidlab.train.semaphore import Semaphore
from akidlab.train.tuner import TuningWarning, results, tune

__all__ = ["Semaphore", "TuningWarning", "results", "tune"]
