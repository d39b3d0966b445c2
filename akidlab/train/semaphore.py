"""A Semaphore that is taken several at a time, all or none, in the order of those who wait."""

from __future__ import annotations

import threading
from collections import deque


class Semaphore:
    """Counts what can be taken, such as GPUs.

    Several are taken at once or not at all, so that two who want two each do not end up with one each, for
    ever. Who waits is served in turn, so that one who wants many is not passed over by those who want few.

    Args:
        count: how many there are.

    Raises:
        ValueError: if there are none, or more are asked for, or given back, than there are.

    Example:
        >>> semaphore = Semaphore(4)
        >>> semaphore.acquire(3)
        >>> semaphore.free
        1
        >>> semaphore.release(3)
    """

    def __init__(self, count: int) -> None:
        self.count = self.free = _whole("count", count)
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    def acquire(self, n: int = 1) -> None:
        """Take `n`, and wait until they are free and it is our turn."""
        if _whole("n", n) > self.count:
            raise ValueError(
                f"{n} can never be taken: there are {self.count}. Ask for {self.count} or fewer."
            )
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is turn and self.free >= n)
                self.free -= n
            finally:  # an interrupt gives up the turn, too
                self._waiting.remove(turn)
                self._changed.notify_all()

    def release(self, n: int = 1) -> None:
        """Give `n` back."""
        with self._changed:
            if _whole("n", n) > self.count - self.free:
                taken = self.count - self.free
                raise ValueError(f"{n} cannot be given back: {taken} are taken. Release what was acquired.")
            self.free += n
            self._changed.notify_all()

    def __repr__(self) -> str:
        return f"Semaphore({self.free} of {self.count} free)"


def _whole(name: str, value: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"`{name}` must be a whole number of 1 or more, found {value!r}.")
    return value
