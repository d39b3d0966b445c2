"""Ctrl-C, or the stop button of a notebook, asks a practising Kid to end after the step it is in."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def graceful_interrupt(ask: Callable[[], object]) -> Iterator[None]:
    """Turn the first SIGINT into a call of `ask`; a second one interrupts at once, as without us.

    Only the main thread may take signals; elsewhere this does nothing.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        ask()

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
