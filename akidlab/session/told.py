"""Told: what a loop of one's own says at each step, gathered without waiting for the device."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from akidlab.messages import Samples

RECENT = 50  # values of a name that are kept


@dataclass
class Told:
    """Values by name, each of a step; tensors are read together, when they are asked for.

    Example:
        >>> told = Told()
        >>> told.note("loss", 0.5, step=1)
        >>> told.note("loss", 0.7, step=1)
        >>> [(name, list(samples.steps), list(samples.values)) for name, samples in told.take()]
        [('loss', [1], [0.6])]
    """

    _values: dict[str, list[tuple[int, float, Any]]] = field(default_factory=dict)
    _last: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)  # what was taken of a step
    _recent: dict[str, deque[float]] = field(default_factory=dict)

    def note(self, name: str, value: Any, step: int) -> None:
        """Keep a number, or a tensor of one element; several of one step are averaged."""
        value = value.detach() if hasattr(value, "detach") else float(value)
        self._values.setdefault(name, []).append((step, time.time(), value))

    def take(self) -> Iterable[tuple[str, Samples]]:
        """What was kept since the last time; the mean of a step that went on since is of all its values."""
        values, self._values = self._values, {}
        for name, noted in values.items():
            rows = [(step, when, float(value)) for (step, when, _), value in _read(noted)]
            self._recent.setdefault(name, deque(maxlen=RECENT)).extend(value for *_, value in rows)
            rows = [*(row for row in self._last.get(name, ()) if row[0] == rows[0][0]), *rows]
            self._last[name] = [row for row in rows if row[0] == rows[-1][0]]
            yield name, _averaged(rows)

    def recent(self, name: str) -> list[float]:
        """The last values of a name, the newest last, those that were not taken among them."""
        noted = (value for *_, value in _read(self._values[name])) if name in self._values else ()
        return [*self._recent.get(name, ()), *map(float, noted)]


def _read(noted: list[tuple[int, float, Any]]) -> Iterable[tuple[tuple[int, float, Any], Any]]:
    tensors = [value for _, _, value in noted if hasattr(value, "detach")]
    if len(tensors) != len(noted):
        return [(one, one[2]) for one in noted]
    import torch

    flat = torch.stack([tensor.reshape(-1)[0].float() for tensor in tensors]).tolist()
    return list(zip(noted, flat, strict=True))


def _averaged(rows: list[tuple[int, float, float]]) -> Samples:
    together: dict[int, list[tuple[float, float]]] = {}
    for step, when, value in rows:
        together.setdefault(step, []).append((when, value))
    steps = sorted(together)
    means = [sum(value for _, value in together[step]) / len(together[step]) for step in steps]
    return Samples(steps, means, [together[step][-1][0] for step in steps])
