"""Guards: they notice what goes wrong in training, and name the block where it arose."""

from akidlab.guards.doctor import Doctor
from akidlab.guards.finding import Finding
from akidlab.guards.guard import Guard

__all__ = ["Doctor", "Finding", "Guard"]
