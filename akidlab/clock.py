"""The Clock: the training step, the key of the store and the x axis of every chart."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Clock:
    """A moment of a run: how many steps, and how many whole epochs, lie behind it.

    Example:
        >>> int(Clock(step=3).tick())
        4
    """

    step: int = 0
    epoch: int = 0

    def tick(self, epoch: int | None = None) -> Clock:
        """The moment after one more step, in `epoch` if given."""
        return replace(self, step=self.step + 1, epoch=self.epoch if epoch is None else epoch)

    def __int__(self) -> int:
        return self.step

    __index__ = __int__
