"""The worker: one rank. It warms up, says hello, and does what its supervisor hands it."""

from akidlab.worker.assignment import Assignment

__all__ = ["Assignment"]
