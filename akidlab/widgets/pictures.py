"""Filters and feature maps, as the browser asks for them: of one step, and only what it has not."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from akidlab.messages.topics import PICTURES
from akidlab.store.pictures import known

if TYPE_CHECKING:
    from akidlab.messages import Picture
    from akidlab.store import Run

    Plain = dict[str, object]

ROOM = 14_000  # bytes of an answer beyond its first picture; as text they are a third more


def pictures(run: Run, asked: Mapping[str, object]) -> tuple[Plain, list[bytes]]:
    """The pictures of a step that the browser has not, as many as an answer has room for.

    Args:
        run: of which it is asked.
        asked: plain values from a browser: `topic`, `filters` or `maps`; `step`, as of which step, None for
            the newest; `has`, by tag the step of the picture that it has.

    Returns:
        `names`, the tags; `steps` at which some were taken; `pictures`, what each is; `more`, whether others
        found no room; and the levels and the biases (float32) of all, end to end.

    Raises:
        ValueError: if these are other values.

    Example:
        >>> from akidlab.store import Store
        >>> pictures(Store().create("digits"), {"topic": "filters"})[0]
        {'names': [], 'steps': [], 'pictures': [], 'more': False}
    """
    topic, step, has = asked.get("topic"), asked.get("step"), asked.get("has") or {}
    if topic not in PICTURES:
        raise ValueError(f"Pictures are of {' or '.join(PICTURES)}, found {topic!r:.40}.")
    if isinstance(step, bool) or not (step is None or isinstance(step, int)):
        raise ValueError(f"`step` is a whole number, or nothing; found {step!r:.40}.")
    if not isinstance(has, Mapping):
        raise ValueError(f"`has` names the steps of what is known, found {has!r:.40}.")
    taken = {name: run.picture_steps(name).tolist() for name in known(run.pictures(), str(topic))}
    wanted = {name: _as_of(steps, step) for name, steps in taken.items()}
    missing = [name for name, at in wanted.items() if has.get(name) != at]
    missing.sort(key=lambda name: name in has)  # what was never seen comes first
    told, levels, biases, left = [], [], [], ROOM
    for name in missing:
        found = run.picture(name, wanted[name])
        size = found.picture.levels.size + 200
        if told and size > left:
            break
        left -= size
        told.append(_told(name, found.step, found.picture))
        levels.append(np.ascontiguousarray(found.picture.levels).tobytes())
        if found.biases is not None:
            biases.append(np.asarray(found.biases, "<f4").tobytes())
    steps = sorted({at for some in taken.values() for at in some})
    content: Plain = {
        "names": list(taken), "steps": steps, "pictures": told, "more": len(told) < len(missing),
    }  # fmt: skip
    return content, [b"".join(levels), b"".join(biases)]


def _as_of(steps: list[int], step: int | None) -> int:
    return steps[-1] if step is None else steps[max(0, bisect_right(steps, step) - 1)]


def _told(name: str, step: int, found: Picture) -> Plain:
    return {
        "tag": name, "step": step, "shape": list(found.levels.shape), "low": _short(found.low),
        "high": _short(found.high), "biases": found.biases is not None, "total": found.total,
        "channels": found.channels,
    }  # fmt: skip


def _short(value: float) -> float:
    return float(f"{value:.6g}")
