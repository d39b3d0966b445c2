"""Every test has a store, a runtime folder and a working folder of its own, and the same random numbers."""

from __future__ import annotations

import importlib.util
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


HOROVOD = pytest.mark.skipif(
    importlib.util.find_spec("horovod") is None,
    reason="Horovod is not installed: run `akidlab install-horovod`",
)


@pytest.fixture(scope="session", params=[pytest.param("horovod", marks=HOROVOD), "torch"])
def launcher(request: pytest.FixtureRequest) -> str:
    """What starts ranks: a test that asks for it runs on each; the engines are called as their launchers."""
    return request.param


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
