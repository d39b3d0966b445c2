"""What the lines of a figure are called, and how they look: the same in every backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from akidlab.backends.palette import COLOURS, colour

if TYPE_CHECKING:
    from akidlab.store import Bands, Series

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def names_of(found: Sequence[Series] | Sequence[Bands]) -> list[str]:
    """What tells them apart: the run, the tag or both."""
    runs, tags = {one.run for one in found}, {one.tag for one in found}
    if len(runs) <= 1:
        return [one.tag for one in found]
    return [one.run if len(tags) == 1 else f"{one.run}: {one.tag}" for one in found]


def looks_of(series_list: Sequence[Series]) -> list[tuple[str, str]]:
    """A colour for each run and a dash for each tag; of one run, a colour for each tag."""
    runs = list(dict.fromkeys(series.run for series in series_list))
    tags = list(dict.fromkeys(series.tag for series in series_list))
    if len(runs) <= 1:
        return [_look(tags.index(series.tag), 0) for series in series_list]
    return [_look(runs.index(series.run), tags.index(series.tag)) for series in series_list]


def _look(index: int, dash: int) -> tuple[str, str]:
    dash += index // len(COLOURS)  # a colour that comes again is dashed
    return colour(index), DASHES[dash % len(DASHES)]
