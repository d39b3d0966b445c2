"""The Clock: the training step, the key of the store and the x axis of every chart."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Clock:
    """A moment of a run: how many steps, and how many whole epochs, lie behind it.

    With numbers it is reckoned, and compared by size, as its step is.

    Example:
        >>> clock = Clock(step=3).tick()
        >>> int(clock), 0.1 / (1 + clock), clock < 100
        (4, 0.02, True)
    """

    step: int = 0
    epoch: int = 0

    def tick(self, epoch: int | None = None) -> Clock:
        """The moment after one more step, in `epoch` if given."""
        return replace(self, step=self.step + 1, epoch=self.epoch if epoch is None else epoch)

    def __int__(self) -> int:
        return self.step

    __index__ = __int__

    # Python turns to the reflected method where a number, or another clock, comes first.

    def __add__(self, other: float) -> float:
        return self.step + other

    __radd__ = __add__

    def __sub__(self, other: float) -> float:
        return self.step - other

    def __rsub__(self, other: float) -> float:
        return other - self.step

    def __mul__(self, other: float) -> float:
        return self.step * other

    __rmul__ = __mul__

    def __truediv__(self, other: float) -> float:
        return self.step / other

    def __rtruediv__(self, other: float) -> float:
        return other / self.step

    def __floordiv__(self, other: float) -> float:
        return self.step // other

    def __mod__(self, other: float) -> float:
        return self.step % other

    def __pow__(self, other: float) -> float:
        return self.step**other

    def __rpow__(self, other: float) -> float:
        return other**self.step

    def __lt__(self, other: float) -> bool:
        return self.step < other

    def __le__(self, other: float) -> bool:
        return self.step <= other

    def __gt__(self, other: float) -> bool:
        return self.step > other

    def __ge__(self, other: float) -> bool:
        return self.step >= other
