"""Lines over each other in one chart: what a figure leaves for pages that run no JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from akidlab.backends.lines import lines
from akidlab.backends.palette import first_odd
from akidlab.backends.svg import parts
from akidlab.backends.svg.parts import BOTTOM, LEFT, ODD, RIGHT, Picture
from akidlab.backends.svg.scale import Scale, span

if TYPE_CHECKING:
    from akidlab.store import Series

HEAD, POINTS = 30, 2000


def figure(
    series_list: Sequence[Series], *, title: str | None = None, log: bool = False, smooth: float = 0.0
) -> Picture:
    """Series over each other, named by what tells them apart: the run, the tag or both.

    Args:
        series_list: what to draw, of one run or of several.
        title: what stands above.
        log: draw the values on a logarithmic axis; those that are not positive are left out.
        smooth: the weight of the past in a running mean, 0 (none) to below 1.

    Raises:
        ValueError: if `smooth` is not in its range.
    """
    found = lines(series_list, smooth, POINTS)
    shown = [replace(line.drawn, tag=line.name) for line in found]
    return Picture(overlay(shown, [(line.colour, line.dash) for line in found], title=title or "", log=log))


def overlay(
    shown: Sequence[Series],
    looks: Sequence[tuple[str, str]],
    *,
    title: str = "",
    log: bool = False,
    width: int = 900,
    height: int = 340,
) -> str:
    """Lines over each other in one chart, each told by its tag in a legend above.

    Args:
        shown: what to draw.
        looks: a colour and a dash (`solid`, `dash`, `dot`, ...) for each line.
        title: what stands above.
        log: draw the values on a logarithmic axis; those that are not positive are left out.
        width: of the picture, in pixels.
        height: of the picture, in pixels, with one line of legend.
    """
    odd = [series for series in shown if first_odd(series.steps, series.values) is not None]
    if log:
        shown = [replace(s, values=np.where(s.values > 0, s.values, np.nan)) for s in shown]
    body, x, y = [parts.text(2, 16, title, size=14, weight=600)], 2.0, HEAD + 8.0
    for series, (stroke, dash) in zip(shown, looks, strict=True):
        if x > 2 and x + 34 + 6.4 * len(series.tag) > width:
            x, y = 2.0, y + 18
        body.append(
            f"<path d='M{x:.1f} {y - 4}h18' stroke='{stroke}' stroke-width='2.5'{parts.dashed(dash)}/>"
        )
        body.append(parts.text(x + 24, y, series.tag))
        x += 42 + 6.4 * len(series.tag)
    height += round(y - HEAD - 8)
    right, bottom = float(width - RIGHT), float(height - BOTTOM)
    scale = Scale(shown, span(shown), LEFT, right, y + 14, bottom, log=log)
    body.append(parts.axes(scale))
    for series, (stroke, dash) in zip(shown, looks, strict=True):
        body.append(parts.line(series, scale, stroke, parts.dashed(dash)))
    body += [
        parts.odd(series, scale, f"{series.tag} is not finite", row) for row, series in enumerate(odd[:ODD])
    ]
    label = f"{title}: {', '.join(series.tag for series in shown)}"
    return parts.frame(width, height, label, body)
