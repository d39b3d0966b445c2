"""A Finding: something that goes wrong in training, in which block, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from akidlab.messages import Bus, Event, Message


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that goes wrong in training.

    Args:
        kind: what it is, one word or two, such as `dead_relu`, `loss`, `gradient`.
        block: the block or module where it was found, None for the whole network.
        step: the training step at which it was found.
        text: what was found, where, and what to do.
        level: `error` if training cannot go on like this, else `warning`.
        value: the number that told.

    Example:
        >>> Finding("dead_relu", "relu1", 30, "`relu1` is dead.").event().kind
        'warning'
    """

    kind: str
    block: str | None
    step: int
    text: str
    level: str = "warning"
    value: float | None = None

    def event(self) -> Event:
        """What the store and the dashboard are told."""
        facts = {"step": self.step, "text": self.text, "finding": self.kind}
        facts |= {"block": self.block, "value": self.value}
        return Event("guard" if self.level == "error" else "warning", facts)

    def publish(self, bus: Bus, epoch: int = 0) -> None:
        """Tell whoever listens on `bus`."""
        bus.publish(Message("event", self.event(), step=self.step, epoch=epoch))
