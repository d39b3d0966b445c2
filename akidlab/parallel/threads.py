"""Threads whose errors are not lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Thread(threading.Thread):
    """A thread that raises in `join` what was raised in it.

    Args:
        function: what it does.
        args: of the function.
    """

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        super().__init__(name=f"akidlab-{getattr(function, '__name__', 'work')}", daemon=True)
        self.results: list[Any] = []
        self.error: BaseException | None = None
        self._function, self._args = function, args

    def run(self) -> None:
        try:
            self.results.append(self._function(*self._args))
        except BaseException as error:  # told in `join`, where somebody can act on it
            self.error = error

    def join(self, timeout: float | None = None) -> None:
        """Wait until it is done.

        Args:
            timeout: seconds at most.

        Raises:
            BaseException: what the function raised.
        """
        super().join(timeout)
        error, self.error = self.error, None
        if error is not None:
            raise error


def thread_run(f: Callable[..., T], *a: Any) -> tuple[list[T], Thread]:
    """Call `f(*a)` in a thread of its own.

    Args:
        f: what to call.
        a: what with.

    Returns:
        A list that holds the result once the thread is done, and the thread; its `join` waits, and raises
        what `f` raised.

    Example:
        >>> results, thread = thread_run(max, 2, 5)
        >>> thread.join()
        >>> results
        [5]
    """
    thread = Thread(f, *a)
    thread.start()
    return thread.results, thread
