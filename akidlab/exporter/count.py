"""The clock of an exporter that was given none: it counts."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], tuple[int, int, int]]  # the step being made, the epoch, the step within it


class Count:
    """A clock that is told of each step, and of each epoch that ends.

    Example:
        >>> count = Count()
        >>> count.advance()
        >>> count()
        (2, 0, 2)
    """

    def __init__(self) -> None:
        self.made = self.epoch = self.made_in_epoch = 0

    def __call__(self) -> tuple[int, int, int]:
        return self.made + 1, self.epoch, self.made_in_epoch + 1

    def advance(self) -> None:
        """One step was made."""
        self.made += 1
        self.made_in_epoch += 1

    def turn(self) -> None:
        """An epoch is over."""
        self.epoch += 1
        self.made_in_epoch = 0
