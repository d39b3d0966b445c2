"""How tensors are spread, in the plotly figure of a dashboard: nine lines and the shades between them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from akidlab.backends.palette import colour
from akidlab.backends.shades import SHADES, first_odd, joined, pick, rgba, stretches
from akidlab.messages import PERCENTS

if TYPE_CHECKING:
    from akidlab.store import Bands, Run
    from akidlab.widgets.description import Plain
    from akidlab.widgets.grid import Place

FEW, MANY = (
    (4, 16),
    (12, 60),
)  # charts and observations of each: in a figure that is saved, and in one that is not


def some_bands(run: Run, *, saved: bool) -> list[Bands]:
    """The distributions that stand for all of them; about 4 kB each in a figure that is saved."""
    charts, points = FEW if saved else MANY
    return [run.percentiles(tag, points=points) for tag in pick(run.distributions(), charts)]


def heading(one: Bands, shown: int, known: int, *, first: bool) -> str:
    """The name of a chart; in the first how many of them there are, and where one was not finite."""
    said = f"<b>{escape(one.tag)}</b>"
    if (step := first_odd(one)) is not None:
        return f"{said}   not finite at {step:,}"
    return f"{said}   {shown} of {known} distributions" if first and shown < known else said


def traces(one: Bands, place: Place) -> list[Plain]:
    """The highest line first: each is filled up to the one before it. What is not finite is passed over."""
    fine = joined(stretches(one) or [one.thin(8)])
    steps, rows = fine.steps.tolist(), fine.values.tolist() if stretches(one) else []
    found: list[Plain] = []
    for above, percent in enumerate(reversed(PERCENTS)):
        middle, strip = percent == 50, min(above - 1, 8 - above)
        fill = {"fill": "tonexty", "fillcolor": rgba(colour(0), SHADES[strip])} if above else {}
        found.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": fine.line(percent).tag,
                "x": steps if rows else [],
                "y": [float(f"{row[8 - above]:.4g}") for row in rows],
                "line": {"color": rgba(colour(0), 1 if middle else 0.5), "width": 1.8 if middle else 0.7},
                **fill,
                "xaxis": f"x{place.number}",
                "yaxis": f"y{place.number}",
            }
        )
    return found
