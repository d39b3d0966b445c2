"""Waiting for what is going to be so, however slow the machine: a bound for what hangs, not for what lags."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 120.0  # seconds: to load torch can take half of that where ten others do too


def until(so: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until `so()` holds."""
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.01)
