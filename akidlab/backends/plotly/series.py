"""Series as an interactive plotly figure: small enough for a notebook, legible on light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from akidlab.backends import svg
from akidlab.backends.naming import looks_of, names_of
from akidlab.backends.palette import ALARM, GREY, first_odd
from akidlab.backends.plotly.look import AXIS, CLEAR, StillFigure, layout, small_steps, small_values
from akidlab.backends.smoothing import check, smoothed

if TYPE_CHECKING:
    from akidlab.store import Series

ODD = 12  # at most so many lines are told that they are not finite
POINTS = 1200  # of all lines together: what 20 kB hold


class SeriesFigure(StillFigure):
    """A figure of lines."""

    def _still(self) -> tuple[str, list[str]]:
        drawn: Any = self
        traces = [trace for trace in drawn.data if trace.type == "scatter" and trace.opacity is None]
        lines = [_series(trace) for trace in traces]
        looks = [(trace.line.color or GREY, trace.line.dash or "solid") for trace in traces]
        log = drawn.layout.yaxis.type == "log"
        return svg.overlay(lines, looks, title=self.heading, log=log), [line.tag for line in lines]


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
    check(smooth)
    names = names_of(series_list)
    drawn = SeriesFigure(layout=_layout(series_list, names, title, log))
    share = max(32, POINTS // max(1, len(series_list) * (2 if smooth else 1)))
    for series, name, (stroke, dash) in zip(series_list, names, looks_of(series_list), strict=True):
        thin, look = series.thin(share), {"color": stroke, "dash": dash, "width": 2}
        if smooth:
            mean = smoothed(series, smooth, share)
            drawn.add_trace(_trace(thin, name, look, opacity=0.3, hoverinfo="skip", showlegend=False))
            drawn.add_trace(_trace(mean, name, look))
        else:
            drawn.add_trace(_trace(thin, name, look))
    _mark_odd(drawn, series_list, names)
    return drawn


def _series(trace: Any) -> Series:
    from akidlab.store import Series

    steps = np.asarray(trace.x, np.int64)
    return Series(trace.name or "", steps, np.asarray(trace.y, np.float64), np.zeros(len(steps)))


def _trace(series: Series, name: str, line: dict[str, Any], **more: Any) -> go.Scatter:
    few = len(series) <= 30
    return go.Scatter(
        x=small_steps(series.steps),
        y=small_values(series.values),
        name=name,
        legendgroup=name,
        line=line,
        marker={"size": 6},
        mode="lines+markers" if few else "lines",
        **(more or {"hovertemplate": "%{y:.5g}<extra>%{fullData.name}</extra>"}),
    )


def _mark_odd(drawn: go.Figure, series_list: Sequence[Series], names: Sequence[str]) -> None:
    """A line at each first step that is not finite; what they say stands one below the other."""
    last = max((int(series.steps[-1]) for series in series_list if len(series)), default=0)
    odd = [
        (first_odd(series.steps, series.values), name)
        for series, name in zip(series_list, names, strict=True)
    ]
    found = [(step, name) for step, name in odd if step is not None][:ODD]
    for row, (step, name) in enumerate(found):
        line = {"color": ALARM, "dash": "dot", "width": 1}
        drawn.add_shape(type="line", x0=step, x1=step, y0=0, y1=1, yref="paper", line=line)
        drawn.add_annotation(
            x=step, y=1, yref="paper", yshift=-15 * row, text=f"{name} is not finite at step {step:,}",
            showarrow=False, font={"color": ALARM, "size": 11},
            xanchor="left" if step <= 0.6 * last else "right", yanchor="top",
        )  # fmt: skip


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
    tags = list(dict.fromkeys(series.tag for series in series_list))
    value = {**AXIS, "title": {"text": tags[0] if len(tags) == 1 else "value"}, "exponentformat": "power"}
    below = 22 * _legend_lines(names) if len(names) > 1 else 0
    legend = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom", "bgcolor": CLEAR}
    return layout(
        title,
        hovermode="x",
        showlegend=len(series_list) > 1,
        legend=legend,
        margin={"l": 60, "r": 20, "t": 45 if title else 20, "b": 50 + below},
        height=360 + below,
        xaxis={**AXIS, "title": {"text": "step", "standoff": 8}, "rangemode": "tozero"},
        yaxis={**value, "type": "log"} if log else value,
    )
