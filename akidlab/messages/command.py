"""A Command: what goes down to a run, where messages come up."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

ACTIONS = ("pause", "resume", "step", "stop", "rate", "save", "ranks", "cell", "timeline")


@dataclass(frozen=True, slots=True)
class Command:
    """An act asked of a live run; the same id counts once, however often it arrives.

    Args:
        action: one of `pause`, `resume`, `step`, `stop`, `rate`; `save`: write a checkpoint now; `ranks`: go
            on with another number of processes; `timeline`: have the ranks record one.
        value: for `step` how many steps to make, for `timeline` how many to record, for `rate` the new
            learning rate, for `ranks` how many there shall be; 0 or 1 is the notebook's own process.
        id: what makes it count once.

    Raises:
        ValueError: if the action is not known or the value does not fit it.

    Example:
        >>> Command("rate", 0.01).value
        0.01
    """

    action: str
    value: float | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"There is no command `{self.action}`. Known: {', '.join(ACTIONS)}.")
        if self.action == "rate" and not (
            isinstance(self.value, (int, float)) and 0 <= self.value < float("inf")
        ):
            raise ValueError(f"`rate` needs a learning rate of 0 or more, found {self.value!r}.")
        if self.action in ("step", "timeline") and not (
            self.value is None or (isinstance(self.value, int) and self.value > 0)
        ):
            raise ValueError(f"`{self.action}` needs a number of steps of 1 or more, found {self.value!r}.")
        if self.action == "ranks" and not (isinstance(self.value, int) and self.value >= 0):
            raise ValueError(
                f"`ranks` needs a number of ranks, 0 for the notebook's own process; found {self.value!r}."
            )
