"""Series and bands as matplotlib figures: for papers, and wherever nothing else can be shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from akidlab.backends.lines import Line, lines, room
from akidlab.backends.naming import names_of, value_of
from akidlab.backends.palette import ALARM, GREY, colour
from akidlab.backends.shades import SAID, SHADES, STRIPS, first_odd, grid, on_top, smooth_bands, stretches
from akidlab.backends.smoothing import check
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
    found = lines(series_list, smooth, POINTS)
    drawn, (axes,) = _figure(title, 1, 1, (8.0, 3.6))
    axes.set_xlabel("step")
    axes.set_ylabel(value_of(series_list))
    if (reach := room(series_list)) and not log:
        axes.set_ylim(reach)
    _scale(axes, log)
    for line in found:
        _draw(axes, line)
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
    columns, rows = grid(len(bands_list))
    drawn, places = _figure(title, rows, columns, (8.0, 3.6) if rows * columns == 1 else (9.5, 2.4 * rows))
    for axes, one, name in zip(places, bands_list, names_of(bands_list), strict=False):
        axes.set_title(name, loc="left", fontsize=10, color=GREY)
        _scale(axes, log)
        _shade(axes, smooth_bands(one, smooth, POINTS // columns), log)
        _mark(axes, first_odd(one), "not finite")
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
    axes.locator_params(axis="x", integer=True)  # there is no half a step
    axes.grid(color=GREY, alpha=0.22)
    axes.tick_params(which="both", colors=GREY)
    axes.xaxis.label.set_color(GREY)
    axes.yaxis.label.set_color(GREY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)


def _scale(axes: Axes, log: bool) -> None:
    if log:
        axes.set_yscale("log", nonpositive="mask")


def _draw(axes: Axes, line: Line) -> None:
    marker = "o" if line.is_dotted else ""
    look: Any = {"color": line.colour, "linestyle": DASHES[line.dash], "marker": marker, "markersize": 3}
    if line.below is not None:
        axes.plot(line.below.steps, line.below.values, alpha=0.3, **look)
    axes.plot(line.drawn.steps, line.drawn.values, label=line.name, linewidth=1.6, **look)
    _mark(axes, line.odd, line.complaint)


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
