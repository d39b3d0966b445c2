"""A Ticker: calls a function a few times a second, at its own pace, in a thread that holds nothing up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

PACE = 0.25  # seconds from one tick to the next


class Ticker:
    """Calls `tick` until that says that it was the last.

    Args:
        tick: does the work of one tick; False ends the ticking.
        pace: seconds between two ticks.
    """

    def __init__(self, tick: Callable[[], bool], *, pace: float = PACE) -> None:
        self.tick = tick
        self.pace = pace
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="akidlab-ticker", daemon=True)

    def start(self) -> None:
        """Begin to tick, at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the tick that is being made, and wait for it; may be called by the tick itself."""
        self._ended.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)

    def _work(self) -> None:
        try:
            while self.tick() and not self._ended.wait(self.pace):
                pass
        except Exception:  # nobody waits for this thread; a dashboard that stands still harms no training
            log.warning("A dashboard stopped following its run.", exc_info=True)
