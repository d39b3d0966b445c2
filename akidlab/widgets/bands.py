"""How tensors were spread, as the browser asks for it: only what it looks at, and only what is new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from akidlab.store import Bands, Run
    from akidlab.store.pulse import Tag

    Plain = dict[str, object]

ROOM = 13_500  # bytes of what is new at a tick; as text they are a third more, and a tick has 20 kB
WHOLE = 54_000  # bytes of those that are seen for the first time
_POINT = 44  # bytes of an observation: its step in float64, its nine values in float32
_FEWEST, _MOST = 8, 1200  # observations of one distribution in an answer


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A distribution that is looked at.

    Args:
        tag: which.
        known: what the store knows of it.
        since: the last step that the browser has, None if it has none.
        is_anew: steps that it has were written again: it must forget them.
    """

    tag: str
    known: Tag
    since: int | None
    is_anew: bool

    @property
    def follows(self) -> bool:
        """True if the browser has all but what is new."""
        return self.since is not None and not self.is_anew

    @property
    def is_new(self) -> bool:
        """True if there is something that the browser has not."""
        newest = self.known.step
        return not self.follows or (newest is not None and newest > (self.since or 0))


def bands(run: Run, asked: Mapping[str, object]) -> tuple[Plain, list[bytes]]:
    """What is new of the distributions that are looked at, thinned so that an answer stays small.

    However many are asked for, and however long the run is, what is new since an answer has at most about
    14 kB, and what is seen for the first time 54 kB. Those that found no room come with the next answer, the
    longest waiting first.

    Args:
        run: of which it is asked.
        asked: plain values from a browser: `names`, how many names of distributions it knows; `tags`, what it
            looks at: of each the last step that it has (or None) and the `rewrites` that it was told;
            `points`, how many observations of one it has use for; `within`, the first and the last step of
            those that it wants, or None.

    Returns:
        The browser's `IBands`, and two buffers: the steps (float64) of all observations end to end, and
        their nine values (float32).

    Raises:
        ValueError: if what is asked is something else.

    Example:
        >>> bands(Store().create("digits"), {"names": 0, "tags": {}})[0]["names"]
        []
    """
    known = run.pulse().distributions
    within, points = _within(asked.get("within")), _natural(asked, "points", 120)
    points = min(_MOST, max(_FEWEST, points))
    news = [one for one in _wanted(asked.get("tags"), known) if one.is_new]
    found: list[tuple[_Wanted, Bands]] = []
    for one, share in _shares(news, points):
        since = None if one.is_anew else one.since
        found.append((one, run.percentiles(one.tag, since=since, points=share, within=within)))
    content: Plain = {
        "names": list(known)[_natural(asked, "names", 0) :],
        "bands": [_said(one, read) for one, read in found],
        "more": len(found) < len(news),
    }
    steps = [read.steps.astype(np.float64) for _, read in found]
    values = [np.ascontiguousarray(read.values, dtype=np.float32) for _, read in found]
    return content, [_joined(steps), _joined(values)]


def _said(one: _Wanted, read: Bands) -> Plain:
    """What stands before the numbers of a distribution."""
    return {
        "tag": one.tag,
        "points": len(read),
        "total": one.known.count,
        "rewrites": one.known.rewrites,
        "anew": one.is_anew,
        "elements": int(read.counts[-1]) if len(read) else None,
    }


def _shares(news: list[_Wanted], points: int) -> Iterable[tuple[_Wanted, int]]:
    """How many observations of each there is room for.

    What is followed shares its room: at a tick a few each are what an eye sees. What is seen for the first
    time has as many as it has use for.
    """
    follows = sorted((one for one in news if one.follows), key=lambda one: one.since or 0)
    room = ROOM // _POINT
    for one in follows[: room // _FEWEST]:
        yield one, min(points, max(_FEWEST, room // len(follows)))
    room = max(points, WHOLE // _POINT)
    for one in (one for one in news if not one.follows):
        room -= min(points, one.known.count)
        if room < 0:
            return
        yield one, points


def _wanted(tags: object, known: Mapping[str, Tag]) -> list[_Wanted]:
    if tags is None:
        return []
    if not isinstance(tags, Mapping):
        raise ValueError(f"`tags` names what is looked at in an object, found {tags!r:.40}.")
    found = []
    for tag, has in tags.items():
        if tag not in known:
            raise ValueError(f"There is no distribution {tag!r:.80}.")
        if not (isinstance(has, (list, tuple)) and len(has) == 2 and _fits(has[0]) and _fits(has[1])):
            raise ValueError(
                f"Of a distribution a step and a number of rewrites are known, found {has!r:.40}."
            )
        since, rewrites = has
        is_anew = since is not None and rewrites != known[tag].rewrites
        found.append(_Wanted(tag, known[tag], since, is_anew))
    return found


def _within(found: object) -> tuple[int, int] | None:
    if found is None:
        return None
    if isinstance(found, (list, tuple)) and len(found) == 2 and None not in found and all(map(_fits, found)):
        return found[0], found[1]
    raise ValueError(f"`within` is the first and the last step, found {found!r:.40}.")


def _natural(asked: Mapping[str, object], name: str, usual: int) -> int:
    found = asked.get(name, usual)
    if not isinstance(found, int) or not _fits(found):
        raise ValueError(f"`{name}` is a number, found {found!r:.40}.")
    return found


def _fits(number: object) -> bool:
    """A step, or a count, as the database can hold it; or none."""
    return number is None or (type(number) is int and 0 <= number < 2**62)


def _joined(parts: Iterable[np.ndarray]) -> bytes:
    return b"".join(part.tobytes() for part in parts)
