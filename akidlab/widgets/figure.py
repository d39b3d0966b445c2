"""A run as one plotly figure of small multiples, in plain JSON: what a finished dashboard leaves behind."""

from __future__ import annotations

import math
from html import escape
from textwrap import shorten
from typing import TYPE_CHECKING

from akidlab.backends.palette import COLOURS, FAINT, GREY
from akidlab.store import words
from akidlab.widgets import description

if TYPE_CHECKING:
    from akidlab.store import Run, Series

MIME = "application/vnd.plotly.v1+json"

_POINT = 16  # bytes of one point in JSON
_GAP = 0.07  # between two charts, as a share of the width: room for the numbers of an axis
_BUDGET = 15_000  # bytes for all points: the figure stays under 20 kB
_NUMBERS = {"exponentformat": "power", "minexponent": 5}
_SKIPPED = ("loss", "learning_rate", "samples_per_second")


def figure(run: Run) -> description.Plain:
    """The charts of the dashboard side by side, as the JSON of a plotly figure of at most 20 kB."""
    pulse = run.pulse()
    tags = [tag for tag in pulse.tags if tag != "samples_per_second"]
    points = min(800, max(8, _BUDGET // _POINT // max(1, len(tags))))
    series = {tag: run.scalars(tag, points=points) for tag in tags}
    names = charts(tags)
    title, lines = _title(run)
    layout: description.Plain = {
        "height": 300 + 19 * lines,
        "margin": {"l": 50, "r": 16, "t": 64 + 19 * lines, "b": 36},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12, "color": GREY},
        "hovermode": "x unified",
        "hoverlabel": {"font": {"size": 12}},
        "showlegend": False,
        "title": {
            "text": title,
            "x": 0.01,
            "xanchor": "left",
            "y": 1,
            "yanchor": "top",
            "pad": {"t": 18},
            "font": {"size": 14},
        },
        "annotations": [],
    }
    traces: list[description.Plain] = []
    width = (1 + _GAP) / max(1, len(names)) - _GAP
    for index, name in enumerate(names):
        here = [(place, tag) for place, tag in enumerate((name, f"validation_{name}")) if tag in series]
        places = [] if index else [place for place, _ in here]
        _place(layout, index, _heading(name, places), name, width)
        traces += [_trace(series[tag], index, place, name) for place, tag in here]
    return {"data": traces, "layout": layout, "config": {"displaylogo": False, "responsive": True}}


def charts(tags: list[str]) -> list[str]:
    """The charts that a dashboard has for these tags: loss, each evaluation, learning rate."""
    bare = [tag.removeprefix("validation_") for tag in tags]
    middle = [name for name in dict.fromkeys(bare) if name not in _SKIPPED]
    return [name for name in ("loss", *middle, "learning_rate") if name in bare]


def _heading(name: str, places: list[int]) -> str:
    """The name of a chart and, in the first, what the two colours mean: a legend that takes no room."""
    said = [f'<span style="color:{COLOURS[at]}">{("training", "validation")[at]}</span>' for at in places]
    legend = f"   {'  '.join(said)}" if 1 in places else ""
    return f"<b>{name.replace('_', ' ').capitalize()}</b>{legend}"


def _place(layout: description.Plain, index: int, heading: str, name: str, width: float) -> None:
    number = "" if index == 0 else str(index + 1)
    left, right = index * (width + _GAP), index * (width + _GAP) + width
    axis = {"gridcolor": FAINT, "zeroline": False, "linecolor": FAINT, "automargin": True}
    layout[f"xaxis{number}"] = axis | {"domain": [left, right], "anchor": f"y{number}", "tickformat": "~s"}
    layout[f"yaxis{number}"] = axis | {"anchor": f"x{number}", "nticks": 6, **_NUMBERS}
    if name == "learning_rate":
        layout[f"yaxis{number}"] |= {"rangemode": "tozero"}  # type: ignore[operator]
    above = {
        "text": heading,
        "x": left,
        "y": 1.02,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
    }
    annotations = layout["annotations"]
    assert isinstance(annotations, list)
    annotations.append(above)


def _trace(series: Series, index: int, place: int, name: str) -> description.Plain:
    number = "" if index == 0 else str(index + 1)
    color = COLOURS[1 if place else 2 if name == "learning_rate" else 0]
    line: description.Plain = {"color": color, "width": 1.8}
    if name == "learning_rate":
        line["shape"] = "hv"
    return {
        "type": "scatter",
        "mode": "lines+markers" if place or len(series) == 1 else "lines",
        "name": series.tag.replace("_", " "),
        "x": series.steps.tolist(),
        "y": [float(f"{value:.5g}") if math.isfinite(value) else None for value in series.values.tolist()],
        "line": line,
        "marker": {"size": 5, "color": color},
        "xaxis": f"x{number}",
        "yaxis": f"y{number}",
    }


def _title(run: Run) -> tuple[str, int]:
    """What stands above, and how many lines it has beside the first: what the run was warned of."""
    now = run.look()
    error = (now.error or "").strip().splitlines()
    why = f": {error[-1][:120]}" if error else ""
    said = f"{now.standing} at step {now.step:,} after {words.duration(now.elapsed)}{why}"
    title = f"<b>{escape(now.name, quote=False)}</b>   {escape(said, quote=False)}"
    sign, color = words.WARNED
    for text in (warned := run.warnings[:3]):
        line = escape(shorten(text, 120, placeholder=" ..."), quote=False)
        title += f'<br><span style="color:{color};font-size:12px">{sign} {line}</span>'
    return title, len(warned)
