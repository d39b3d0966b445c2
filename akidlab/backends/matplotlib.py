"""Series and bands as matplotlib figures: for papers, and wherever nothing else can be shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from akidlab.backends.naming import looks_of, names_of
from akidlab.backends.palette import ALARM, GREY, colour, first_odd
from akidlab.backends.shades import SAID, SHADES, STRIPS, on_top, smooth_bands, stretches
from akidlab.backends.shades import first_odd as first_odd_of_nine
from akidlab.backends.smoothing import check, smoothed
from akidlab.errors import MissingPackageError
from akidlab.messages import PERCENTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from akidlab.store import Bands, Series

POINTS = 2000
DASHES: dict[str, Any] = {
    "solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "longdash": (0, (9, 3)),
}  # fmt: skip


def figure(
    series_list: Sequence[Series], *, title: str | None = None, log: bool = False, smooth: float = 0.0
) -> Figure:
    """Series over each other, named by what tells them apart: the run, the tag or both.

    Args:
        series_list: what to draw, of one run or of several.
        title: what stands above.
        log: draw the values on a logarithmic axis.
        smooth: the weight of the past in a running mean, 0 (none) to below 1; the samples stay faintly seen.

    Raises:
        ValueError: if `smooth` is not in its range.
        MissingPackageError: if matplotlib is not installed.

    Example:
        >>> from akidlab.store import Series
        >>> series = Series("loss", np.array([1, 2]), np.array([0.5, 0.25]), np.array([0.0, 1.0]))
        >>> figure([series]).axes[0].get_ylabel()
        'loss'
    """
    check(smooth)
    drawn, (axes,) = _figure(title, 1, 1, (8.0, 3.6))
    tags = list(dict.fromkeys(series.tag for series in series_list))
    axes.set_xlabel("step")
    axes.set_ylabel(tags[0] if len(tags) == 1 else "value")
    _scale(axes, log)
    looks = looks_of(series_list)
    for series, name, (stroke, dash) in zip(series_list, names_of(series_list), looks, strict=True):
        _draw(axes, series, smooth, name, stroke, dash)
    if len(series_list) > 1:
        axes.legend(frameon=False, labelcolor=GREY)
    return drawn


def bands(
    bands_list: Sequence[Bands], *, title: str | None = None, log: bool = False, smooth: float = 0.0
) -> Figure:
    """How tensors were spread: the nine percentiles over the steps; several side by side.

    Args:
        bands_list: what to draw, each in axes of its own.
        title: what stands above.
        log: draw the values on a logarithmic axis; those that are not positive are left out.
        smooth: the weight of the past in a running mean, 0 (none) to below 1.

    Raises:
        ValueError: if `smooth` is not in its range.
        MissingPackageError: if matplotlib is not installed.

    Example:
        >>> from akidlab.store import Bands
        >>> of = Bands("weights/conv1", np.array([1, 2]), np.arange(18.0).reshape(2, 9), np.zeros(2))
        >>> bands([of]).axes[0].get_title(loc="left")
        'weights/conv1'
    """
    check(smooth)
    columns = min(3, max(1, len(bands_list)))
    rows = math.ceil(max(1, len(bands_list)) / columns)
    drawn, places = _figure(title, rows, columns, (8.0, 3.6) if rows * columns == 1 else (9.5, 2.4 * rows))
    for axes, one, name in zip(places, bands_list, names_of(bands_list), strict=False):
        axes.set_title(name, loc="left", fontsize=10, color=GREY)
        _scale(axes, log)
        _shade(axes, smooth_bands(one, smooth, POINTS // columns), log)
        _mark(axes, first_odd_of_nine(one), "not finite")
    for axes in places[len(bands_list) :]:
        axes.set_axis_off()
    for axes in places[max(0, len(bands_list) - columns) : len(bands_list)]:  # nothing lies below
        axes.set_xlabel("step")
        axes.tick_params(labelbottom=True)
    _legend(drawn)
    return drawn


def _figure(
    title: str | None, rows: int, columns: int, size: tuple[float, float]
) -> tuple[Figure, list[Axes]]:
    """An empty figure that pyplot does not know of, so that nothing is left behind."""
    drawn = _figure_class()(figsize=size, layout="constrained", facecolor="none")
    places: np.ndarray = drawn.subplots(rows, columns, squeeze=False, sharex=True)
    if title:
        drawn.suptitle(title, x=0.01, ha="left", fontsize=12, color=GREY)
    for axes in places.flat:
        _dress(axes)
    return drawn, list(places.flat)


def _figure_class() -> type[Figure]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPackageError(
            "matplotlib is not installed. Install it with: pip install matplotlib"
        ) from error

    class Shown(Figure):
        """A figure that a notebook shows whether or not pyplot was set up there."""

        def _repr_png_(self) -> bytes:
            from io import BytesIO

            FigureCanvasAgg(self)
            found = BytesIO()
            self.savefig(found, format="png", dpi=110)
            return found.getvalue()

    return Shown


def _dress(axes: Axes) -> None:
    """Colours that are legible on light and on dark, and no background."""
    axes.set_facecolor("none")
    axes.grid(color=GREY, alpha=0.22)
    axes.tick_params(which="both", colors=GREY)
    axes.xaxis.label.set_color(GREY)
    axes.yaxis.label.set_color(GREY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)


def _scale(axes: Axes, log: bool) -> None:
    if log:
        axes.set_yscale("log", nonpositive="mask")


def _draw(axes: Axes, series: Series, smooth: float, name: str, stroke: str, dash: str) -> None:
    thin = series.thin(POINTS)
    marker = "o" if len(thin) <= 30 else ""
    look: Any = {"color": stroke, "linestyle": DASHES[dash], "marker": marker, "markersize": 3}
    if smooth:
        axes.plot(thin.steps, thin.values, alpha=0.3, **look)
        thin = smoothed(series, smooth)
    axes.plot(thin.steps, thin.values, label=name, linewidth=1.6, **look)
    _mark(axes, first_odd(series.steps, series.values), f"{name} is not finite")


def _shade(axes: Axes, one: Bands, log: bool) -> None:
    for part in stretches(one, log=log):
        for strip, (low, high) in enumerate(STRIPS):
            ends = part.line(PERCENTS[low]).values, part.line(PERCENTS[high]).values
            look: Any = {"color": colour(0), "alpha": on_top(strip), "linewidth": 0.6}
            axes.fill_between(part.steps, *ends, **look)
        middle = part.line(50)
        axes.plot(middle.steps, middle.values, color=colour(0), linewidth=1.4)


def _legend(drawn: Figure) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    shades = [
        Patch(color=colour(0), alpha=shade, label=said) for shade, said in zip(SHADES, SAID, strict=True)
    ]
    middle = Line2D([], [], color=colour(0), linewidth=1.4, label="50%")
    where = "outside lower center"
    drawn.legend(handles=[*shades, middle], loc=where, ncols=5, frameon=False, labelcolor=GREY)


def _mark(axes: Axes, step: int | None, said: str) -> None:
    if step is not None:
        axes.axvline(step, color=ALARM, linestyle=":", linewidth=1)
        place: Any = axes.get_xaxis_transform()
        axes.text(step, 0.97, f" {said} at {step:,}", color=ALARM, fontsize=8, va="top", transform=place)
