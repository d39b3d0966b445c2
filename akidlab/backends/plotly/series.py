"""Series as an interactive plotly figure: small enough for a notebook, legible on light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from akidlab.backends import svg
from akidlab.backends.lines import FEW, Line, lines, room
from akidlab.backends.naming import value_of
from akidlab.backends.palette import GREY
from akidlab.backends.plotly.look import (
    AXIS,
    STEP,
    UNDER,
    StillFigure,
    layout,
    mark,
    small_steps,
    small_values,
    steps_axis,
)

if TYPE_CHECKING:
    from akidlab.store import Series

ODD = 12  # at most so many lines are told that they are not finite
POINTS = 1200  # of all lines together: what 20 kB hold


class SeriesFigure(StillFigure):
    """A figure of lines."""

    def _still(self) -> tuple[str, list[str]]:
        drawn: Any = self
        traces = [trace for trace in drawn.data if trace.type == "scatter" and trace.opacity is None]
        shown = [_series(trace) for trace in traces]
        looks = [(trace.line.color or GREY, trace.line.dash or "solid") for trace in traces]
        log = drawn.layout.yaxis.type == "log"
        return svg.overlay(shown, looks, title=self.heading, log=log), [one.tag for one in shown]


def figure(
    series_list: Sequence[Series], *, title: str | None = None, log: bool = False, smooth: float = 0.0
) -> go.Figure:
    """Series over each other, named by what tells them apart: the run, the tag or both.

    Args:
        series_list: what to draw, of one run or of several.
        title: what stands above.
        log: draw the values on a logarithmic axis.
        smooth: the weight of the past in a running mean, 0 (none) to below 1; the samples stay faintly seen.

    Raises:
        ValueError: if `smooth` is not in its range.

    Example:
        >>> from akidlab.store import Series
        >>> series = Series("loss", np.array([1, 2]), np.array([0.5, 0.25]), np.array([0.0, 1.0]))
        >>> figure([series]).data[0].name
        'loss'
    """
    share = max(32, POINTS // max(1, len(series_list) * (2 if smooth else 1)))
    found = lines(series_list, smooth, share)
    drawn = SeriesFigure(layout=_layout(series_list, [line.name for line in found], title, log))
    for line in found:
        if line.below is not None:
            drawn.add_trace(_trace(line, line.below, opacity=0.3, hoverinfo="skip", showlegend=False))
        drawn.add_trace(_trace(line, line.drawn))
    last = max((int(series.steps[-1]) for series in series_list if len(series)), default=0)
    for row, line in enumerate([line for line in found if line.odd is not None][:ODD]):
        mark(drawn, line.odd, line.complaint, last, row)
    return drawn


def _series(trace: Any) -> Series:
    from akidlab.store import Series

    steps = np.asarray(trace.x, np.int64)
    return Series(trace.name or "", steps, np.asarray(trace.y, np.float64), np.zeros(len(steps)))


def _trace(line: Line, series: Series, **more: Any) -> go.Scatter:
    return go.Scatter(
        x=small_steps(series.steps),
        y=small_values(series.values),
        name=line.name,
        legendgroup=line.name,
        line={"color": line.colour, "dash": line.dash, "width": 2},
        marker={"size": 6},
        mode="lines+markers" if len(series) <= FEW else "lines",
        **(more or {"hovertemplate": "%{y:.5g}<extra>%{fullData.name}</extra>"}),
    )


def _legend_lines(names: Sequence[str], width: int = 700) -> int:
    """How many lines the legend takes at the width of a notebook."""
    lines, taken = 1, 0.0
    for name in names:
        needed = 45 + 6.8 * len(name)
        if taken and taken + needed > width:
            lines, taken = lines + 1, 0.0
        taken += needed
    return lines


def _layout(
    series_list: Sequence[Series], names: Sequence[str], title: str | None, log: bool
) -> dict[str, Any]:
    value = {**AXIS, "title": {"text": value_of(series_list)}, "exponentformat": "power"}
    if (reach := room(series_list)) and not log:
        value["range"] = reach
    below = 22 * _legend_lines(names) if len(names) > 1 else 0
    return layout(
        title,
        hovermode="x",
        showlegend=len(series_list) > 1,
        legend=UNDER,
        margin={"l": 60, "r": 20, "t": 45 if title else 20, "b": 50 + below},
        height=360 + below,
        xaxis={**steps_axis(series_list), "title": STEP},
        yaxis={**value, "type": "log"} if log else value,
    )
