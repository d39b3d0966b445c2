"""A Command: what goes down to a run, where messages come up."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACTIONS = ("pause", "resume", "step", "stop", "rate", "save", "ranks", "cell", "timeline", "note", "profile")
LONGEST = 2_000  # characters of a note


@dataclass(frozen=True, slots=True)
class Command:
    """An act asked of a live run; the same id counts once, however often it arrives.

    Args:
        action: one of `pause`, `resume`, `step`, `stop`, `rate`; `save`: write a checkpoint now; `ranks`: go
            on with another number of processes; `timeline`: have the ranks record one; `note`: keep `text`
            as an event of the run; `profile`: measure how long each block takes.
        value: for `step` how many steps to make, for `timeline` how many to record, for `rate` the new
            learning rate, for `ranks` how many there shall be; 0 or 1 is the notebook's own process.
        id: what makes it count once.
        text: of a `note`, at most 2,000 characters.

    Raises:
        ValueError: if the action is not known or the value does not fit it.

    Example:
        >>> Command("rate", 0.01).value
        0.01
    """

    action: str
    value: float | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    text: str | None = None

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
        if self.action == "note":
            check_note(self.text)
        elif self.text is not None:
            raise ValueError(f"Only a `note` has a text, found {self.text!r:.40} with `{self.action}`.")

    @property
    def plain(self) -> dict[str, object]:
        """Its parts by name, as they travel."""
        said: dict[str, object] = {"action": self.action, "value": self.value, "id": self.id}
        return said if self.text is None else said | {"text": self.text}

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Command:
        """The command whose parts a request carries.

        Raises:
            ValueError: if they make no command.
            KeyError: if one of them is missing.
        """
        return cls(request["action"], request.get("value"), request["id"], request.get("text"))

    @property
    def facts(self) -> dict[str, object]:
        """What the event of it says."""
        return {name: known for name, known in self.plain.items() if name != "action"}


def check_note(text: object) -> None:
    """See that a note can be kept.

    Raises:
        ValueError: if it is empty, too long, or no text.

    Example:
        >>> check_note("The loss jumps where the rate was raised.")
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"A note is a text that says something, found {text!r:.40}.")
    if len(text) > LONGEST:
        raise ValueError(f"A note has at most {LONGEST:,} characters, found {len(text):,}.")
