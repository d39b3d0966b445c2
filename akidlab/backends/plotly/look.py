"""How every plotly figure looks: legible on light and dark, and small enough for a notebook."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from akidlab.backends.palette import FAINT, GREY, colour

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
