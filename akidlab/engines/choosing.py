"""Choosing: which of several ways to average gradients is the quickest, found out in the first steps."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

Way = Callable[[Sequence[Tensor]], None]

ROUNDS = 3  # of each way that count; one more before, which may be slow
ENOUGH = 0.25  # seconds that trials may take


class Choice:
    """Averages gradients of one kind, by each of `ways` in turn, then by the one that was the quickest.

    All ways must give the same bits: a clock may not decide what is computed. The steps that are measured
    are those of the training, so that a trial costs no more than it is slower.

    Args:
        ways: by their names, the one to be expected first.
        meet: waits until all ranks are here: who waits for a rank that is late measures that rank.
        gather: what every rank holds.
        clock: tells seconds.

    Example:
        >>> choice = Choice({"only": lambda tensors: None}, meet=lambda: None, gather=lambda value: [value])
        >>> choice.chosen
        'only'
    """

    def __init__(
        self,
        ways: Mapping[str, Way],
        meet: Callable[[], object],
        gather: Callable[[Any], list[Any]],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._ways, self._meet, self._gather, self._clock = dict(ways), meet, gather, clock
        self._spent: dict[str, list[float]] = {name: [] for name in ways}
        self._trials = [name for _ in range(ROUNDS + 1) for name in ways]
        self.seconds: dict[str, float] = {}
        self.chosen: str | None = None
        if len(self._ways) == 1:
            self._choose(next(iter(ways)))

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Average, by the way whose turn it is."""
        if self.chosen is not None:
            self.way(tensors)
        else:
            self._try(self._trials.pop(0), tensors)

    def describe(self) -> dict[str, Any]:
        """The choice, and the milliseconds that each way took, for the record of a run."""
        return {"path": self.chosen, "ms": {name: round(1000 * s, 3) for name, s in self.seconds.items()}}

    def _try(self, name: str, tensors: Sequence[Tensor]) -> None:
        self._meet()
        begun = self._clock()
        self._ways[name](tensors)
        self._spent[name].append(self._clock() - begun)
        is_round = len({len(spent) for spent in self._spent.values()}) == 1
        if not self._trials or is_round:
            self._decide()

    def _decide(self) -> None:
        """At the end of a round: enough if it was the last one, or if they have taken long on some rank."""
        told = self._gather(self._spent)
        total = max(sum(map(sum, spent.values())) for spent in told)
        if self._trials and total < ENOUGH:
            return
        later = slice(1 if len(told[0][next(iter(self._ways))]) > 1 else 0, None)
        self.seconds = {
            name: max(statistics.median(spent[name][later]) for spent in told) for name in self._ways
        }
        self._choose(min(self.seconds, key=self.seconds.__getitem__))

    def _choose(self, name: str) -> None:
        self.chosen, self.way = name, self._ways[name]
        self._trials.clear()
