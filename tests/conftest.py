"""Every test has a store, a runtime folder and a working folder of its own."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Heed interrupts also where a shell began us in the background, which makes us deaf to them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKID_RUNS", str(tmp_path / "akid_runs"))
    monkeypatch.setenv("AKIDLAB_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.delenv("AKIDLAB_QUIET", raising=False)
