"""Other runs in the same chart: which there are, their curves, which led here, when each step was made."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from akidlab.errors import UnknownNameError

if TYPE_CHECKING:
    from akidlab.store import Run, Series
    from akidlab.widgets.description import Plain

LISTED = 100  # runs that are told at once
POINTS = 2_000  # of one curve
MOST = 24_000  # points of all curves of an answer together
TAGS = 40  # curves that may be asked for at once


def runs(run: Run, asked: Mapping[str, object]) -> Plain:
    """The other runs of the store of `run`, those of its family first, then the newest.

    Args:
        run: the one that is looked at.
        asked: `words`, all of which the name of a run holds; a text, or None for all runs.

    Raises:
        ValueError: if that is something else.
    """
    words = asked.get("words")
    if words is not None and not isinstance(words, str):
        raise ValueError(f"`words` is a text, found {words!r:.40}.")
    wanted = (words or "").lower().split()
    own = run.look()
    known = [now for now, _ in run.store.runs().look() if now.uid != run.uid]
    found = [now for now in known if all(word in now.name.lower() for word in wanted)]
    kin = {now.uid: _kin(own.uid, own.parent, now.uid, now.parent) for now in found}
    found.sort(key=lambda now: not kin[now.uid])  # what is equal stays as it was
    told = [
        {
            "uid": now.uid,
            "name": now.name,
            "status": now.standing,
            "live": now.is_live,
            "step": now.step,
            "kin": kin[now.uid],
        }
        for now in found[:LISTED]
    ]
    return {"runs": told, "more": max(0, len(found) - LISTED)}


def curves(run: Run, asked: Mapping[str, object]) -> tuple[Plain, list[bytes]]:
    """Curves of another run of the same store, thinned to what fits.

    Args:
        run: the one that is looked at.
        asked: `uid` of the other run; `tags`, a list of scalars, of which those that it has are answered;
            `since`, for some of these tags the step after which they are wanted.

    Returns:
        How the other run is now and how many points of each curve there are; steps as float64 and values as
        float32, end to end. `anew` says that they replace what was told before.

    Raises:
        ValueError: if what is asked makes no sense, or there is no such run.
    """
    other, tags, since = _other(run, asked), _texts(asked.get("tags")), _steps(asked.get("since"))
    pulse = other.pulse()
    known = [tag for tag in tags if tag in pulse.tags]
    share = min(POINTS, MOST // max(1, len(known)))
    rewrites = sum(pulse.tags[tag].rewrites for tag in known)
    anew = asked.get("rewrites") != rewrites
    found = [other.scalars(tag, since=None if anew else since.get(tag), points=share) for tag in known]
    content: Plain = {
        "uid": other.uid,
        "name": pulse.now.name,
        "status": pulse.now.standing,
        "live": pulse.now.is_live,
        "step": pulse.now.step,
        "series": [[series.tag, len(series)] for series in found],
        "rewrites": rewrites,
        "anew": anew,
    }
    return content, [_bytes(found, "steps", np.float64), _bytes(found, "values", np.float32)]


def ancestors(run: Run, asked: Mapping[str, object]) -> tuple[Plain, list[bytes]]:
    """The way to a run that is a branch, and curves of it up to the step at which the run begins.

    Args:
        run: the one that is looked at.
        asked: `tags`, a list of scalars, of which those that there were are answered.

    Returns:
        The `way`, the oldest ancestor first: each run, and the step at which the next one left it; empty for
        a run that began anew. How many points of each curve there are; steps as float64 and values as
        float32, end to end.

    Raises:
        ValueError: if what is asked makes no sense.
    """
    tags, way = _texts(asked.get("tags")), run.lineage[:-1]
    told = [{"uid": run.uid, "name": run.name, "until": until} for run, until in way]
    found: list[Series] = []
    for tag in tags if way else []:
        with contextlib.suppress(UnknownNameError):  # it was not measured there
            parent, until = way[-1]
            share = min(POINTS, MOST // len(tags))
            found.append(parent.scalars(tag, lineage=True, within=(0, until or 0), points=share))
    content: Plain = {"way": told, "series": [[series.tag, len(series)] for series in found]}
    return content, [_bytes(found, "steps", np.float64), _bytes(found, "values", np.float32)]


def times(run: Run, asked: Mapping[str, object]) -> tuple[Plain, list[bytes]]:
    """When the steps of a run were made: some of them, as seconds since it began to train.

    Args:
        run: the one that is looked at.
        asked: `uid` of another run of its store, or None for itself; `since`, a step, or None for all.

    Returns:
        How many there are; their steps as float64, and their seconds as float32.

    Raises:
        ValueError: if what is asked makes no sense, or there is no such run.
    """
    one = run if asked.get("uid") is None else _other(run, asked)
    since = asked.get("since")
    if since is not None and (type(since) is not int or not -1 <= since < 2**53):
        raise ValueError(f"`since` is a step, found {since!r:.40}.")
    pulse = one.pulse()
    longest = max(pulse.tags.values(), key=lambda tag: (tag.step or 0, tag.count), default=None)
    if longest is None:
        return {"count": 0}, [b"", b""]
    series = one.scalars(longest.name, since=since, points=POINTS)
    began = pulse.now.started or pulse.now.created
    seconds = np.maximum.accumulate(np.maximum(0.0, series.times - began))
    steps = np.asarray(series.steps, np.float64)
    return {"count": len(series)}, [steps.tobytes(), seconds.astype(np.float32).tobytes()]


def _kin(own: str, parent: str | None, uid: str, other: str | None) -> str | None:
    """What the run `uid` is to one's own; None if they are not related."""
    if uid == parent:
        return "parent"
    if other == own:
        return "child"
    return "sibling" if parent is not None and other == parent else None


def _other(run: Run, asked: Mapping[str, object]) -> Run:
    uid = asked.get("uid")
    if not isinstance(uid, str):
        raise ValueError(f"`uid` names a run, found {uid!r:.40}.")
    try:
        return run.store.run(uid)
    except UnknownNameError:
        raise ValueError(f"The run `{uid:.64}` is no longer in the store.") from None


def _texts(found: object) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(tag, str) for tag in found):
        raise ValueError(f"`tags` is a list of names, found {found!r:.40}.")
    return [str(tag) for tag in found[:TAGS]]


def _steps(found: object) -> dict[str, int]:
    if found is None:
        return {}
    if not isinstance(found, Mapping) or not all(
        type(step) is int and abs(step) < 2**53 for step in found.values()
    ):
        raise ValueError(f"`since` holds a step for each tag, found {found!r:.40}.")
    return {str(tag): step for tag, step in found.items()}


def _bytes(series: Sequence[Series], part: str, kind: type) -> bytes:
    return b"".join(np.asarray(getattr(one, part), dtype=kind).tobytes() for one in series)
