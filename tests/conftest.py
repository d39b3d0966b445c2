"""Every test has a store, a runtime folder and a working folder of its own, and the same random numbers."""

from __future__ import annotations

import random
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Hypothesis tries the same examples every time, and measures no time: the machine may be busy.
settings.register_profile(
    "akidlab", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("akidlab")


def pytest_configure() -> None:
    """Heed interrupts also where a shell began us in the background, which makes us deaf to them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKID_RUNS", str(tmp_path / "akid_runs"))
    monkeypatch.setenv("AKIDLAB_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.delenv("AKIDLAB_QUIET", raising=False)


@pytest.fixture(autouse=True)
def _own_random_numbers() -> None:
    """Whatever ran before, a test draws the same."""
    random.seed(0)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
