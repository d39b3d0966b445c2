"""What the lines of a figure are called, and how they look: the same in every backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from akidlab.backends.palette import COLOURS, colour
from akidlab.store import titles

if TYPE_CHECKING:
    from akidlab.store import Bands, Series

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def names_of(found: Sequence[Series] | Sequence[Bands]) -> list[str]:
    """What tells them apart: the run, the tag or both."""
    return _names(found, [one.tag for one in found])


def keys_of(found: Sequence[Series]) -> list[str]:
    """What tells lines of one chart apart: as `names_of`, but the blocks alone where they have one topic."""
    keys = [one.tag.partition("/")[2] for one in found]
    share = len({one.tag.partition("/")[0] for one in found}) == 1 and len(set(keys)) > 1
    return _names(found, keys if share and all(keys) else [one.tag for one in found])


def _names(found: Sequence[Series] | Sequence[Bands], tags: Sequence[str]) -> list[str]:
    if len({one.run for one in found}) <= 1:
        return list(tags)
    one_tag = len(set(tags)) == 1
    return [one.run if one_tag else f"{one.run}: {tag}" for one, tag in zip(found, tags, strict=True)]


def value_of(found: Sequence[Series]) -> str:
    """What stands along the values of a chart: what all of them are, else `value`."""
    said = titles.subject(dict.fromkeys(one.tag for one in found))
    return said if found and "," not in said else "value"


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
