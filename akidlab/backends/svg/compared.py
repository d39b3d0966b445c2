"""Runs over each other and what differs between them, as a static picture."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten
from typing import TYPE_CHECKING

from akidlab.backends.svg import parts
from akidlab.backends.svg.overlay import figure

if TYPE_CHECKING:
    from akidlab.store import Series

WIDTH, LINE, MOST = 900, 17, 14


def compared(series_list: Sequence[Series], lines: Sequence[str], *, title: str) -> parts.Picture:
    """Curves over each other, and below them what differs, in words.

    Args:
        series_list: one of each run.
        lines: what differs; the first are shown.
        title: what stands above.
    """
    drawn = str(figure(series_list, title=title))
    high = int(drawn.split("height='", 1)[1].split("'", 1)[0])
    shown = [shorten(line, 150, placeholder=" …") for line in lines[:MOST]]
    shown += [f"and {len(lines) - MOST} more"] if len(lines) > MOST else []
    body = [drawn.replace(" style='max-width:100%;height:auto'", "", 1)]
    if shown:
        body.append(parts.text(2, high + 20, "What changed", size=13, weight=600))
    body += [parts.text(2, high + 40 + LINE * at, line, size=12) for at, line in enumerate(shown)]
    height = high + (34 + LINE * len(shown) if shown else 0)
    return parts.Picture(parts.frame(WIDTH, height, ". ".join([title, *shown]), body))
