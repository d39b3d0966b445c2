"""Static pictures: a run, lines over each other; legible on light and dark, without a kernel."""

from akidlab.backends.svg.overlay import overlay
from akidlab.backends.svg.picture import charts, draw, picture
from akidlab.backends.svg.scale import short, ticks

__all__ = ["charts", "draw", "overlay", "picture", "short", "ticks"]
