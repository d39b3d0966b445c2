"""Models: brains that are known by name."""

from akidlab.models import brains
from akidlab.models.brains import *  # noqa: F403

__all__ = [*brains.__all__]  # pyright: ignore[reportUnsupportedDunderAll]
