"""Interactive plotly figures: small enough for a notebook, legible on light and dark."""

from akidlab.backends.plotly.atlas import DrawnFigure, atlas, chart
from akidlab.backends.plotly.bands import BandsFigure, bands
from akidlab.backends.plotly.graph import GraphFigure, graph
from akidlab.backends.plotly.look import page_part
from akidlab.backends.plotly.parallel import ParallelFigure, parallel
from akidlab.backends.plotly.series import SeriesFigure, figure

__all__ = [
    "BandsFigure", "DrawnFigure", "GraphFigure", "ParallelFigure", "SeriesFigure", "atlas", "bands", "chart",
    "figure", "graph", "page_part", "parallel",
]  # fmt: skip
