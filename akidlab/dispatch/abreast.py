"""Abreast: what several ranks measure, put side by side, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

KEPT = 100_000  # steps of which other ranks have not told
_COLUMNS = ("began", "ended", "own", "queued")


@dataclass(frozen=True, eq=False)
class Block:
    """Steps in a row: of each array a row for a rank, a column for a step.

    Args:
        steps: which.
        began: when the rank came to average, by a clock of its machine.
        ended: when that was done.
        own: seconds of its own work before it; NaN where that is not known.
        queued: how many of them it waited for a core.
    """

    steps: np.ndarray
    began: np.ndarray
    ended: np.ndarray
    own: np.ndarray
    queued: np.ndarray

    @property
    def plain(self) -> Block:
        """The steps before which no rank did anything else."""
        return self.where(np.logical_not(np.isnan(self.own).any(axis=0, keepdims=True))[0])

    def where(self, chosen: np.ndarray) -> Block:
        """Some of the steps."""
        columns = (getattr(self, name)[:, chosen] for name in _COLUMNS)
        return Block(self.steps[chosen], *columns)


class Abreast:
    """Waits with what a rank says of a step until all have said it.

    Args:
        size: the number of ranks.

    Example:
        >>> abreast, said = Abreast(2), {"steps": np.array([1, 2])}
        >>> said |= dict.fromkeys(("began", "ended", "own", "queued"), np.zeros(2))
        >>> abreast.hear(0, said) is None
        True
        >>> abreast.hear(1, said).steps.tolist()
        [1, 2]
    """

    def __init__(self, size: int) -> None:
        self._waiting: list[dict[str, np.ndarray]] = [{} for _ in range(size)]

    def hear(self, rank: int, said: Mapping[str, Any]) -> Block | None:
        """Take what a rank says; the steps that are complete now, if there are any."""
        own = self._waiting[rank]
        for name in ("steps", *_COLUMNS):
            told = np.asarray(said[name])
            own[name] = np.concatenate([own[name], told])[-KEPT:] if name in own else told
        if not all(waiting and len(waiting["steps"]) for waiting in self._waiting):
            return None
        reached = min(int(waiting["steps"].max()) for waiting in self._waiting)
        complete = [_of(waiting, waiting["steps"] <= reached) for waiting in self._waiting]
        self._waiting = [_of(waiting, waiting["steps"] > reached) for waiting in self._waiting]
        return _block(complete)


def _block(parts: list[dict[str, np.ndarray]]) -> Block | None:
    steps = parts[0]["steps"]
    for part in parts[1:]:
        steps = np.intersect1d(steps, part["steps"])
    steps = np.unique(steps)
    if not len(steps):
        return None
    places = []
    for part in parts:  # a step that was made again counts as it was made last
        found, first = np.unique(part["steps"][::-1], return_index=True)
        places.append(len(part["steps"]) - 1 - first[np.searchsorted(found, steps)])
    columns = (
        np.stack([part[name][place] for part, place in zip(parts, places, strict=True)]) for name in _COLUMNS
    )
    return Block(steps, *columns)


def _of(waiting: dict[str, np.ndarray], chosen: np.ndarray) -> dict[str, np.ndarray]:
    return {name: column[chosen] for name, column in waiting.items()}
