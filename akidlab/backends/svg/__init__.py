"""Static pictures: a run, lines over each other; legible on light and dark, without a kernel."""

from akidlab.backends.heat import png
from akidlab.backends.svg.atlas import atlas
from akidlab.backends.svg.bands import bands
from akidlab.backends.svg.chart import chart
from akidlab.backends.svg.compared import compared
from akidlab.backends.svg.graph import graph
from akidlab.backends.svg.overlay import figure, overlay
from akidlab.backends.svg.parallel import parallel
from akidlab.backends.svg.parts import Picture
from akidlab.backends.svg.picture import charts, draw, picture
from akidlab.backends.svg.scale import short, span, ticks

__all__ = [
    "Picture", "atlas", "bands", "chart", "charts", "compared", "draw", "figure", "graph", "overlay",
    "parallel", "picture", "png", "short", "span", "ticks",
]  # fmt: skip
