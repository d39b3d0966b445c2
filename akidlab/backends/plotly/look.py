"""How every plotly figure looks: legible on light and dark, and small enough for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from akidlab.backends.lines import is_short
from akidlab.backends.palette import ALARM, FAINT, GREY, colour

if TYPE_CHECKING:
    from akidlab.store import Bands, Series

CLEAR = "rgba(0,0,0,0)"
AXIS = {
    "gridcolor": FAINT,
    "linecolor": GREY,
    "zerolinecolor": FAINT,
    "ticks": "outside",
    "tickcolor": FAINT,
    "showline": True,
    "zeroline": False,
    "automargin": True,
}
STEP = {"text": "step", "standoff": 8}
UNDER = {  # a legend below all else takes no width from the charts
    **{"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
    **{"traceorder": "normal", "bgcolor": CLEAR},
}


class StillFigure(go.Figure):
    """A plotly figure that leaves a still picture, for pages that run no JavaScript."""

    _ipython_display_: Any = None  # plotly's would leave the interactive figure alone

    @property
    def heading(self) -> str:
        """What stands above it."""
        drawn: Any = self
        return drawn.layout.title.text or "figure"

    def _still(self) -> tuple[str, list[str]]:
        """The picture, and the names of what it shows."""
        raise NotImplementedError

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        picture, names = self._still()
        return {
            **super()._repr_mimebundle_(*args, **kwargs),
            "image/svg+xml": picture,
            "text/plain": f"Figure({self.heading!r}: {', '.join(names)})",
        }

    def _repr_html_(self) -> None:
        """Nothing: plotly's would load its JavaScript from a network."""


def layout(title: str | None, **more: Any) -> dict[str, Any]:
    """What the layouts of all figures share."""
    return {
        "template": go.layout.Template(),  # plotly's own is 7 kB in every figure
        "title": None if title is None else {"text": title, "font": {"size": 15}, "x": 0.01},
        "font": {"color": GREY, "size": 12},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "modebar": {"bgcolor": CLEAR, "color": GREY, "activecolor": colour(0)},
        **more,
    }


def steps_axis(found: Sequence[Series] | Sequence[Bands]) -> dict[str, Any]:
    """The axis of the steps; each has its number if they are few."""
    return {**AXIS, "rangemode": "tozero", **({"dtick": 1} if is_short(found) else {})}


def mark(
    drawn: go.Figure, step: int | None, said: str, last: int, row: int = 0, *, axes: str | None = None
) -> None:
    """A line at a step at which something is not finite; nothing if there is none.

    Args:
        drawn: the figure.
        step: where.
        said: what is not finite.
        last: the last step of the axis: the words stand where there is room for them.
        row: of the words, of which several stand one below the other.
        axes: the number that plotly gives to a chart of several.
    """
    if step is None:
        return
    here = {"yref": "paper"} if axes is None else {"xref": f"x{axes}", "yref": f"y{axes} domain"}
    line = {"color": ALARM, "dash": "dot", "width": 1}
    drawn.add_shape(type="line", x0=step, x1=step, y0=0, y1=1, line=line, **here)
    drawn.add_annotation(
        x=step, y=1, yshift=-15 * row, text=f"{said} at step {step:,}", showarrow=False,
        font={"color": ALARM, "size": 11}, xanchor="left" if step <= 0.55 * last else "right", yanchor="top",
        **here,
    )  # fmt: skip


def page_part(saved: dict[str, Any], *, script: bool) -> str:
    """A figure as a piece of an HTML page that asks nothing of the network.

    Args:
        saved: the figure as a notebook keeps it: its `data` and `layout`.
        script: bring plotly's JavaScript along (5 MB); a page needs it once, with its first figure.
    """
    drawn = go.Figure(data=saved["data"], layout=saved["layout"])
    return drawn.to_html(full_html=False, include_plotlyjs=script, config={"displaylogo": False})


def small_steps(steps: np.ndarray) -> np.ndarray:
    """Steps in two bytes, or four, where they fit."""
    if len(steps) and int(steps[0]) >= 0 and int(steps[-1]) < 2**16:
        return steps.astype(np.uint16)
    small = not len(steps) or (int(steps[0]) >= 0 and int(steps[-1]) < 2**31)
    return steps.astype(np.int32) if small else steps.astype(np.float64)


def small_values(values: np.ndarray) -> np.ndarray:
    """Values in four bytes where they fit."""
    finite = np.abs(values[np.isfinite(values) & (values != 0)])
    fits = not len(finite) or (finite.max() < 1e38 and finite.min() > 1e-37)
    return values.astype(np.float32) if fits else values
