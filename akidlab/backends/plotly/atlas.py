"""Atlases and charts as interactive plotly figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from akidlab.backends import heat, svg
from akidlab.backends.palette import GREY, colour
from akidlab.backends.plotly.look import AXIS, StillFigure, layout
from akidlab.backends.svg.atlas import size

if TYPE_CHECKING:
    from akidlab.atlas import Atlas, Chart

COLUMNS, ROW = 3, 280  # images in a row; pixels of one, at least
SHARE = 0.84  # of a row, that the image takes


class DrawnFigure(StillFigure):
    """A figure of an atlas or a chart, which leaves the picture of it."""

    _drawn: Any = None

    def _still(self) -> tuple[str, list[str]]:
        drawn = self._drawn
        return (svg.atlas if hasattr(drawn, "grey") else svg.chart)(drawn), list(drawn.arrays)


def atlas(drawn: Atlas) -> go.Figure:
    """An atlas as a figure: a heat map for each image, whose numbers are shown where one points.

    Example:
        >>> from akidlab.atlas import Atlas
        >>> atlas(Atlas("filters", {"conv1": np.zeros((5, 5))})).data[0].name
        'conv1'
    """
    columns = min(COLUMNS, max(1, len(drawn.arrays)))
    rows = math.ceil(max(1, len(drawn.arrays)) / columns)
    figure = DrawnFigure(layout=layout(drawn.title, height=90 + _row(drawn) * rows, showlegend=False))
    for number, (name, array) in enumerate(drawn.arrays.items()):
        axes = "" if number == 0 else str(number + 1)
        figure.add_trace(_heat(name, array, drawn.grey, axes))
        column, row = number % columns, number // columns
        x = [(column + 0.04) / columns, (column + 0.96) / columns]
        y = [1 - (row + 0.1 + SHARE) / rows, 1 - (row + 0.1) / rows]
        still = {"visible": False, "showgrid": False}
        figure.update_layout(
            {
                f"xaxis{axes}": {**still, "domain": x, "anchor": f"y{axes}", "constrain": "domain"},
                f"yaxis{axes}": {
                    **still, "domain": y, "anchor": f"x{axes}", "autorange": "reversed",
                    "scaleanchor": f"x{axes}", "constrain": "domain",
                },
            }
        )  # fmt: skip
        figure.add_annotation(
            x=x[0], y=y[1], xref="paper", yref="paper", text=name, showarrow=False, xanchor="left",
            yanchor="bottom", font={"size": 12, "color": GREY},
        )  # fmt: skip
    figure._drawn = drawn
    return figure


def chart(drawn: Chart) -> go.Figure:
    """A chart as a figure.

    Example:
        >>> from akidlab.atlas import Chart
        >>> chart(Chart("bars", "sparsity", {"relu1": np.array([0.5])})).data[0].type
        'bar'
    """
    x: dict[str, Any] = {**AXIS, "title": {"text": drawn.x}, "type": "log" if drawn.log_x else None}
    figure = DrawnFigure(
        layout=layout(drawn.title, xaxis=x, yaxis={**AXIS, "title": {"text": drawn.y}}, barmode="overlay")
    )
    if drawn.kind == "bars":
        numbers = [float(np.nanmean(array)) for array in drawn.arrays.values()]
        figure.add_trace(go.Bar(x=list(drawn.arrays), y=numbers, marker={"color": colour(0)}))
        figure.update_layout(xaxis={"type": "category"})
    elif drawn.kind == "stems":
        figure.add_trace(_stems(np.asarray(drawn.array, np.float32)))
    else:
        for number, (name, array) in enumerate(drawn.arrays.items()):
            figure.add_trace(_trace(drawn.kind, name, array, colour(number)))
    figure._drawn = drawn
    return figure


def _row(drawn: Atlas) -> int:
    """How high a row of images is: as its highest is in the static picture."""
    heights = [size(array, len(drawn.arrays))[1] for array in drawn.arrays.values()]
    return max(ROW, math.ceil(max(heights, default=0) / SHARE))


def _heat(name: str, array: np.ndarray, grey: bool, axes: str) -> Any:
    place = {"name": name, "xaxis": f"x{axes}", "yaxis": f"y{axes}"}
    if array.ndim == 3:
        levels = np.clip(np.nan_to_num(array, nan=0.5), 0, 1) * 255
        return go.Image(z=levels.round().astype(np.uint8), **place)
    low, high = heat.span(array)
    if grey:
        low, high = float(np.nanmin(array)), float(np.nanmax(array))
    colours = heat.stops(low, grey=grey)
    scale = [[at / (len(colours) - 1), stop] for at, stop in enumerate(colours)]
    z = np.where(np.isfinite(array), array, np.nan).astype(np.float32)
    more = {"hovertemplate": "%{z:.5g}<extra>" + name + "</extra>", "hoverongaps": False}
    return go.Heatmap(z=z, zmin=low, zmax=high, colorscale=scale, showscale=False, **place, **more)


def _stems(heights: np.ndarray) -> go.Scatter3d:
    rows, columns = np.indices(heights.shape)
    gap = np.full(heights.size, np.nan)
    flat = heights.ravel()
    return go.Scatter3d(
        x=np.stack([columns.ravel(), columns.ravel(), gap], axis=1).ravel(),
        y=np.stack([rows.ravel(), rows.ravel(), gap], axis=1).ravel(),
        z=np.stack([np.zeros_like(flat), flat, gap], axis=1).ravel().astype(np.float32),
        mode="lines+markers",
        marker={"size": 2},
        line={"color": colour(0), "width": 3},
    )


def _trace(kind: str, name: str, array: np.ndarray, tone: str) -> Any:
    if kind == "histogram":
        return go.Histogram(x=np.asarray(array, np.float32), name=name, opacity=0.65, marker={"color": tone})
    xs, ys = np.asarray(array)
    return go.Scatter(x=xs, y=ys, name=name, mode="lines", line={"color": tone, "width": 2})
