"""Interactive plotly figures: small enough for a notebook, legible on light and dark."""

from akidlab.backends.plotly.atlas import DrawnFigure, atlas, chart
from akidlab.backends.plotly.bands import BandsFigure, bands
from akidlab.backends.plotly.look import page_part
from akidlab.backends.plotly.series import SeriesFigure, figure

__all__ = ["BandsFigure", "DrawnFigure", "SeriesFigure", "atlas", "bands", "chart", "figure", "page_part"]
