"""What to watch: topics by name or group, how often, what is computed of them; plain, so that it travels."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

from akidlab.errors import unknown
from akidlab.messages import Bus
from akidlab.messages.topics import GROUPS, TOPICS
from akidlab.options import Options


@dataclass(frozen=True)
class WatchOptions(Options):
    """What to watch of a module that learns.

    Args:
        topics: topics such as `activations`, or groups of them: `all`, `parameters`, `gradients`, `updates`.
        every: look at the first step, and at every so many.
        exact: percentiles of all elements instead of a sample; minimum and maximum are always exact.
        elements: how many elements of a tensor are sampled.
        budget: the share of the time that looking may take, such as 0.02; how often and at how many elements
            is then chosen to keep it. None for no limit.
        metrics: more to compute, as `norm:weights` or `ratio:weight_updates,weights` (see `akidlab.metrics`).
        doctor: look for what goes wrong, such as dead units or vanishing gradients, and warn.
        own: topics of one's own that metrics may name; a kid knows those that are registered on its bus.

    Raises:
        UnknownNameError: if there is no such topic, group, metric or option.
        MetricError: if a metric is asked for in words that cannot be read.
        ValueError: if a number makes no sense.

    Example:
        >>> WatchOptions(("gradients",), every=5).kinds
        ('weight_gradients', 'bias_gradients')
    """

    topics: tuple[str, ...] = ("all",)
    every: int = 10
    exact: bool = False
    elements: int = 8192
    budget: float | None = None
    metrics: tuple[str, ...] = ()
    doctor: bool = True
    own: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "topics", _words(self.topics) or ("all",))
        object.__setattr__(self, "metrics", _words(self.metrics))
        object.__setattr__(self, "own", _words(self.own))
        for name, least in (("every", 1), ("elements", 16)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"`{name}` is a whole number of {least} or more, found {value!r}.")
        if self.budget is not None and not (isinstance(self.budget, Real) and 0 < self.budget < 1):
            raise ValueError(
                f"`budget` is a share of the time between 0 and 1, such as 0.02; found {self.budget!r}."
            )
        _ = self.kinds
        _try(self.metrics, self.own)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The topics, without groups, in the order of a step."""
        wanted: set[str] = set()
        for name in self.topics:
            if name not in GROUPS and name not in TOPICS:
                raise unknown("topic", name, [*GROUPS, *TOPICS])
            wanted.update(GROUPS.get(name, (name,)))
        return tuple(topic for topic in TOPICS if topic in wanted)


def _words(given: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _try(specs: tuple[str, ...], own: tuple[str, ...]) -> None:
    if not specs:
        return
    from akidlab.metrics import making

    bus = Bus()  # one for all: a metric may be computed of what the one before publishes
    bus.register_topic(*own)
    for spec in specs:
        if not making.needs(spec, bus):  # what it needs beyond a word, such as data, may be there later
            making.make(spec, bus)
