"""The payloads that may leave a process: plain, small, and the same on a bus, a wire and in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Samples:
    """Values of one scalar at several steps; the tag is the topic of the message that carries them.

    Args:
        steps: the training steps, ascending.
        values: one value for each step.
        times: seconds since the epoch, one for each step.
    """

    steps: Sequence[int]
    values: Sequence[float]
    times: Sequence[float]


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
