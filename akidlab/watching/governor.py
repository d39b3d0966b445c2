"""The Governor: keeps the time that looking takes within a budget."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from akidlab.messages import Message, Samples

if TYPE_CHECKING:
    from akidlab.exporter import Exporter
    from akidlab.metrics.bands import PercentilesSubscriber

FEWEST = 1024  # elements; with fewer, percentiles say little
PACES = (1, 2, 3, 5, 7)  # and ten times as many, and so on: numbers that read well
SECONDS = 0.5  # between two tellings


class Look(NamedTuple):
    """One observed step, and what lies between it and the one before."""

    cost: float
    seconds: float
    steps: int


class Governor:
    """Looks as often as asked, and more seldom or at fewer elements where that would take too much time.

    The share is what the exporter's hooks and all who hear them took, of all the time since the last observed
    step; the median of the last five such stretches counts, so that a pause changes nothing. First fewer
    elements are looked at, down to 1,024, as long as that helps; then fewer steps. Where there is room again,
    it goes back. It publishes `observation_share` and `observation_every`, at most twice a second, but every
    change.

    Args:
        exporter: what looks; how often is asked of it now is the most often that it will look.
        subscriber: what looks at many elements, if there is such a one.
        budget: the share of the time that looking may take.
        free: False where others look at the same steps: it only wishes then, and whoever speaks with them
            sets the exporter's `every` to its `wish`.
        now: gives the time in seconds.

    Raises:
        ValueError: if the budget is no share.

    Example:
        >>> from akidlab.exporter import Exporter
        >>> from akidlab.messages import Bus
        >>> governor = Governor(Exporter(message_bus=Bus(), every=10), budget=0.02)
        >>> governor.every, governor.share
        (10, 0.0)
    """

    def __init__(
        self,
        exporter: Exporter,
        subscriber: PercentilesSubscriber | None = None,
        budget: float = 0.02,
        *,
        free: bool = True,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not 0 < budget < 1:
            raise ValueError(
                f"A budget is a share of the time between 0 and 1, such as 0.02; found {budget!r}."
            )
        self.exporter, self.subscriber, self.budget, self.share = exporter, subscriber, budget, 0.0
        self._asked, self._most, self._now = exporter.every, self.elements, now
        self.free, self.wish = free, exporter.every
        self._looks: deque[Look] = deque(maxlen=5)
        self._last: tuple[float, int] | None = None
        self._warming = True  # what is looked at for the first time takes longer
        self._before = 0.0  # what a look cost at twice the elements, just halved
        self._helps = True  # to look at fewer
        self._told, self._told_of = -math.inf, 0
        exporter.on_step.append(self._look)

    @property
    def every(self) -> int:
        """Every how many steps is looked now."""
        return self.exporter.every

    @property
    def elements(self) -> int:
        """How many elements of a tensor are looked at now; 0 where that cannot be chosen."""
        return 0 if self.subscriber is None or self.subscriber.exact else self.subscriber.elements

    def close(self) -> None:
        """Choose nothing any more; a second time does nothing."""
        if self._look in self.exporter.on_step:
            self.exporter.on_step.remove(self._look)

    def _look(self, exporter: Exporter) -> None:
        now, step = self._now(), exporter.step
        last, self._last = self._last, (now, step)
        if last is None or step <= last[1]:
            return
        if self._warming:
            self._warming = False
            return
        self._looks.append(Look(exporter.cost, now - last[0], step - last[1]))
        self._measure()
        self._tell(step, now)

    def _measure(self) -> None:
        cost = median(look.cost for look in self._looks)
        bare = median(max(look.seconds - look.cost, 1e-9) / look.steps for look in self._looks)
        self.share = cost / (cost + bare * self.every)
        if len(self._looks) >= 3 or self.share > 2 * self.budget:
            self._choose(cost, cost * (1 - self.budget) / (self.budget * bare))

    def _choose(self, cost: float, needed: float) -> None:
        """Change one thing at a time, and measure what came of it.

        Args:
            cost: what a look takes.
            needed: every how many steps there is time for one.
        """
        before, self._before = self._before, 0.0
        if before and cost > 0.9 * before:  # what costs is something else
            self._helps = False
            self._look_at(2 * self.elements)
        elif needed > self._asked and self._helps and self.elements >= 2 * FEWEST:
            self._before = cost
            self._look_at(self.elements // 2)
        elif needed * 2.5 < self._asked and 0 < self.elements < self._most:
            self._look_at(2 * self.elements)
        else:
            self._pace(needed)

    def _pace(self, needed: float) -> None:
        """Slow down at once, but speed up only where there is room to stay."""
        least, roomy = (max(self._asked, readable(pace)) for pace in (needed, 1.3 * needed))
        if least > self.every or roomy < self.every:
            self.wish = least if least > self.every else roomy
            self._looks.clear()
        if self.free:
            self.exporter.every = self.wish

    def _look_at(self, elements: int) -> None:
        if self.subscriber is not None:
            self.subscriber.elements = elements
        self._looks.clear()
        self._warming = True

    def _tell(self, step: int, now: float) -> None:
        if now - self._told >= SECONDS or self.every != self._told_of:  # after a change the next may be far
            self._told, self._told_of, when = now, self.every, time.time()
            for topic, value in (("observation_share", self.share), ("observation_every", self.every)):
                self.exporter.bus.publish(
                    Message(topic, Samples((step,), (float(value),), (when,)), step=step)
                )


def readable(least: float) -> int:
    """The first number that is no less than `least` and reads well: 1, 2, 3, 5, 7, 10, 20, 30, 50, ...

    Example:
        >>> readable(4), readable(14), readable(480)
        (5, 20, 500)
    """
    scale = 10 ** max(0, math.floor(math.log10(max(least, 1))))
    return next((pace * scale for pace in PACES if pace * scale >= least), 10 * scale)
