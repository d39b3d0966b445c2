"""Interactive plotly figures: small enough for a notebook, legible on light and dark."""

from akidlab.backends.plotly.look import page_part
from akidlab.backends.plotly.series import SeriesFigure, figure, smoothed

__all__ = ["SeriesFigure", "figure", "page_part", "smoothed"]
