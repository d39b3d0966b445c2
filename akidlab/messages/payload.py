"""The payloads that may leave a process: plain, small, and the same on a bus, a wire and in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

PERCENTS = (0, 7, 16, 31, 50, 69, 84, 93, 100)  # what is kept of a distribution; about -1.5 to 1.5 sigma


@dataclass(frozen=True, slots=True)
class Samples:
    """Values of one scalar at several steps; the tag is the topic of the message that carries them.

    Args:
        steps: the training steps, ascending.
        values: one value for each step.
        times: seconds since the epoch, one for each step.
        merge: how the values of several ranks become one: `mean` (weighted), `sum`, `max` or `min`; None if
            that of rank 0 stands for all.
        weights: how much each value counts in a mean, such as the number of its samples; 1 if left out.
    """

    steps: Sequence[int]
    values: Sequence[float]
    times: Sequence[float]
    merge: str | None = None
    weights: Sequence[float] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Percentiles:
    """The distributions of several tensors at one step, the step of the message that carries them.

    Args:
        tags: what each is, `<topic>/<key>`, such as `weights/conv1`.
        values: float32, (tags, 9): the percentiles of `PERCENTS`, the minimum first.
        counts: int64, (tags,): how many elements each tensor has.
        sketches: float32, (tags, points): evenly spaced quantiles, from which those of several ranks are
            merged; None if every rank has the same tensors, so that those of rank 0 stand for all.
    """

    tags: Sequence[str]
    values: np.ndarray
    counts: np.ndarray
    sketches: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Numbers to look at, of one block at one step: its filters, or its feature maps of a sample.

    They travel as 255 levels, which is what an eye tells apart; see `akidlab.messages.picture`.

    Args:
        levels: uint8, (items, channels, height, width): from 0, for `low`, to 254, for `high`; 255 stands
            for what is not finite.
        low: the least number.
        high: the greatest.
        biases: float32, (items,); None if there are none.
        total: how many filters, or maps, the block has; a picture may hold fewer.
        channels: how many channels each of them has; a picture may hold fewer.
    """

    levels: np.ndarray
    low: float
    high: float
    biases: np.ndarray | None = None
    total: int = 0
    channels: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened once: an act (pause, rate changed), a checkpoint, a warning."""

    kind: str
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Log:
    """A line of text for people, from one rank."""

    text: str
    level: str = "info"
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """What a run is doing now; fields left None are unchanged.

    Args:
        status: one of `preparing`, `running`, `paused`, `finished`, `stopped`, `failed`.
        data: columns of the run that change with it, such as `max_steps`, `samples_per_second`, `error`.
    """

    status: str | None = None
    data: Mapping[str, object] = field(default_factory=dict)
