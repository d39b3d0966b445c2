"""Training many kids: the tuner, and a search beyond its grid."""

from akidlab.train.searching import search
from akidlab.train.semaphore import Semaphore
from akidlab.train.tuner import TuningWarning, results, tune

__all__ = ["Semaphore", "TuningWarning", "results", "search", "tune"]
