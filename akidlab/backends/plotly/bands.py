"""Bands as an interactive plotly figure: nine lines and the shades between them, a chart for each tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from akidlab.backends import svg
from akidlab.backends.naming import names_of
from akidlab.backends.palette import GREY, colour
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
from akidlab.backends.shades import (
    COLUMNS,
    SHADES,
    first_odd,
    grid,
    joined,
    rgba,
    smooth_bands,
    stretches,
)
from akidlab.backends.smoothing import check
from akidlab.messages import PERCENTS

if TYPE_CHECKING:
    from akidlab.store import Bands

GAPS = 4  # at most so many parts of one chart are drawn apart
POINTS = 150  # of all charts together: what 20 kB hold
FEW = 40  # of one chart, however many there are
GAP = 0.09  # between two charts, as a share of the width: room for the numbers of an axis
LEGEND = 44  # two lines of a legend, in pixels
HEIGHT, HEAD, FOOT = 170, 34, 22  # of one of several charts, its name and its numbers, in pixels


class BandsFigure(StillFigure):
    """A figure of bands."""

    _bands: Sequence[Bands] = ()

    def _still(self) -> tuple[str, list[str]]:
        drawn: Any = self
        log = drawn.layout.yaxis.type == "log"
        picture = svg.bands(self._bands, title=drawn.layout.title.text, log=log)
        return picture, [bands.tag for bands in self._bands]


def bands(
    bands_list: Sequence[Bands], *, title: str | None = None, log: bool = False, smooth: float = 0.0
) -> go.Figure:
    """How tensors were spread: maximum, 93%, ..., minimum over the steps; several side by side.

    Args:
        bands_list: what to draw, each in a chart of its own.
        title: what stands above.
        log: draw the values on a logarithmic axis; those that are not positive are left out.
        smooth: the weight of the past in a running mean, 0 (none) to below 1.

    Raises:
        ValueError: if `smooth` is not in its range.

    Example:
        >>> from akidlab.store import Bands
        >>> of = Bands("weights/conv1", np.array([1, 2]), np.arange(18.0).reshape(2, 9), np.zeros(2))
        >>> [trace.name for trace in bands([of]).data]
        ['maximum', '93%', '84%', '69%', '50%', '31%', '16%', '7%', 'minimum']
    """
    check(smooth)
    names = names_of(bands_list)
    share = max(FEW, POINTS // max(1, len(bands_list)))
    thin = [smooth_bands(one, smooth, share) for one in bands_list]
    few = max(map(len, thin), default=0) <= 2  # no line to see
    drawn = BandsFigure(layout=_layout(names, title, log, few, steps_axis(thin)))
    drawn._bands = thin
    for index, one in enumerate(thin):
        for place, part in enumerate(_parts(one)):
            drawn.add_traces(_traces(part, index, legend=index == place == 0))
        whole = bands_list[index]
        mark(
            drawn,
            first_odd(whole),
            "not finite",
            int(whole.steps[-1]) if len(whole) else 0,
            axes=_number(index),
        )
    return drawn


def _parts(one: Bands) -> list[Bands]:
    """What is drawn apart, for plotly fills over gaps; where there are many, the later ones are joined."""
    parts = stretches(one) or [one.thin(8)]
    return [*parts[: GAPS - 1], *([joined(parts[GAPS - 1 :])] if len(parts) >= GAPS else [])]


def _traces(one: Bands, index: int, legend: bool) -> list[go.Scatter]:
    """The highest line first: each is filled up to the one before it. The template has their looks."""
    number, x = _number(index), small_steps(one.steps)
    more = {} if legend else {"showlegend": False}
    return [
        go.Scatter(
            x=x, y=small_values(line.values), name=line.tag, xaxis=f"x{number}", yaxis=f"y{number}", **more
        )
        for line in map(one.line, reversed(PERCENTS))
    ]


def _template(few: bool) -> go.layout.Template:
    """The looks of the nine lines, told once for all charts: plotly takes them in turn."""
    looks: list[dict[str, Any]] = []
    for place, percent in enumerate(reversed(PERCENTS)):
        middle = percent == 50
        strip = min(place - 1, 8 - place)
        look = {
            "mode": "lines+markers" if few else "lines",
            "marker": {"size": 4, "color": rgba(colour(0), 1 if middle else 0.5)},
            "line": {"color": rgba(colour(0), 1 if middle else 0.5), "width": 2 if middle else 1},
            "legendgroup": str(percent),
            "hovertemplate": "%{y:.4g}",
        }
        fill = {"fill": "tonexty", "fillcolor": rgba(colour(0), SHADES[strip])} if place else {}
        looks.append(look | fill)
    return go.layout.Template(data={"scatter": looks})


def _layout(
    names: Sequence[str], title: str | None, log: bool, few: bool, steps: dict[str, Any]
) -> dict[str, Any]:
    top, (columns, rows) = 45 if title else 20, grid(len(names))
    inner = 290 if len(names) <= 1 else rows * (HEAD + HEIGHT + FOOT) - FOOT
    charts: dict[str, Any] = {}
    headings = []
    for index, name in enumerate(names):
        x, y = _place(index, columns, inner) if len(names) > 1 else ([0, 1], [0, 1])
        charts |= _axes(name, index, len(names), steps | {"domain": x}, AXIS | {"domain": y}, log)
        headings.append(_heading(name, x[0], y[1]))
    return layout(
        title,
        template=_template(few),
        hovermode="x unified",
        hoverlabel={"bgcolor": "#2b2b2b", "bordercolor": GREY, "font": {"color": "#ffffff", "size": 11}},
        legend=UNDER,
        margin={"l": 60, "r": 20, "t": top, "b": 50 + LEGEND},
        height=top + inner + 50 + LEGEND,
        annotations=headings if len(names) > 1 else [],
        **charts,
    )


def _place(index: int, columns: int, inner: int) -> tuple[list[float], list[float]]:
    """Where a chart lies, in shares of the figure."""
    width = (1 + GAP) / columns - GAP
    left = index % columns * (width + GAP)
    above = index // columns * (HEAD + HEIGHT + FOOT) + HEAD
    return [left, left + width], [max(0.0, 1 - (above + HEIGHT) / inner), 1 - above / inner]


def _axes(
    name: str, index: int, many: int, across: dict[str, Any], up: dict[str, Any], log: bool
) -> dict[str, Any]:
    number = _number(index)
    up |= {"anchor": f"x{number}", "exponentformat": "power"}
    across |= {"anchor": f"y{number}", "showspikes": False}  # plotly's has a white rim: it glares in the dark
    if index:
        across["matches"] = "x"
    if index + COLUMNS >= many:  # nothing lies below
        across["title"] = STEP
    if log:
        up["type"] = "log"
    up |= {"nticks": 6} if many > 1 else {"title": {"text": name}}
    return {f"xaxis{number}": across, f"yaxis{number}": up}


def _heading(name: str, x: float, y: float) -> dict[str, Any]:
    return {
        "text": f"{name}", "x": x, "y": y, "xref": "paper", "yref": "paper", "yshift": 3,
        "xanchor": "left", "yanchor": "bottom", "showarrow": False, "font": {"size": 12},
    }  # fmt: skip


def _number(index: int) -> str:
    """What plotly puts behind the name of an axis."""
    return str(index + 1) if index else ""
