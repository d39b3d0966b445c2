"""Atlases: many small matrices as one image, such as the filters of a layer. No torch, no Jupyter."""

from akidlab.atlas.atlas import Atlas
from akidlab.atlas.chart import Chart
from akidlab.atlas.layouts import LAYOUTS, arrange, checked, grid, tiled

__all__ = ["Atlas", "Chart", "LAYOUTS", "arrange", "checked", "grid", "tiled"]
