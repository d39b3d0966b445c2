"""Parallel coordinates: a line for each run, across what differs between them and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from akidlab.backends.coordinates import Axis, axes, colouring
from akidlab.backends.palette import GREY
from akidlab.backends.plotly.look import StillFigure, layout
from akidlab.backends.svg.parallel import STOPS
from akidlab.backends.svg.parallel import parallel as still

LETTERS = 80  # of a word that is kept


class ParallelFigure(StillFigure):
    """A figure of parallel coordinates."""

    def _still(self) -> tuple[str, list[str]]:
        drawn: Any = self
        rows = [dict(row) for row in drawn.layout.meta["rows"]]
        return still(rows, colour=drawn.layout.meta["colour"]), [str(row.get("run")) for row in rows]


def parallel(
    rows: Sequence[Mapping[str, Any]], *, colour: str | None = None, title: str | None = None
) -> go.Figure:
    """Parallel coordinates of a table.

    Args:
        rows: a line of the table for each run; values are numbers or words.
        colour: the column that colours the lines; the last one of numbers if left out.
        title: what stands above.

    Example:
        >>> figure = parallel([{"run": "a", "lr": 0.1, "loss": 2.0}, {"run": "b", "lr": 0.01, "loss": 1.0}])
        >>> [axis.label for axis in figure.data[0].dimensions]
        ['run', 'lr', 'loss']
    """
    found = axes(rows)
    by = colouring(found, colour)
    line = {} if by is None else {"color": by.values, "colorscale": [[at, of] for at, of in STOPS]}
    drawn = ParallelFigure(
        go.Parcoords(
            dimensions=[_dimension(axis) for axis in found],
            line=line,
            labelfont={"color": GREY, "size": 12},
            tickfont={"color": GREY, "size": 11},
            rangefont={"color": GREY, "size": 1},
        ),
        layout=layout(title, height=380, margin={"l": 110, "r": 70, "t": 90 if title else 60, "b": 30}),
    )
    kept = [{axis.name: _plain(row.get(axis.name)) for axis in found} for row in rows]
    drawn.update_layout(meta={"rows": kept, "colour": by and by.name})
    return drawn


def _dimension(axis: Axis) -> dict[str, Any]:
    found: dict[str, Any] = {"label": escape(axis.label), "values": axis.values}
    if axis.ticks is not None:
        found["tickvals"] = [place for place, _ in axis.ticks]
        found["ticktext"] = [escape(word) for _, word in axis.ticks]
    return found


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (int, float)) else str(value)[:LETTERS]
