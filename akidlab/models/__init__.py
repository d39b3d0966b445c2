"""Models: brains that are known by name."""

from akidlab.models.brains import LeNet, OneLayerBrain

__all__ = ["LeNet", "OneLayerBrain"]
