"""What a process does, seen from outside: real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from akidlab.dispatch import vitals
from akidlab.dispatch.vitals import Vitals
from tests.patience import until


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


def test_a_process_that_sleeps_waits(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vitals, "WINDOW", 0.5)
    looking = Vitals()
    assert looking.look(sleeper.pid) == "works"  # too early to say

    until(lambda: looking.look(sleeper.pid) == "waits")


def test_a_process_that_was_stopped_is_seen_at_once(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.send_signal(signal.SIGSTOP)

    until(lambda: Vitals().look(sleeper.pid) == "stopped")


def test_a_process_that_is_gone_is_gone(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.kill()
    sleeper.wait()

    assert Vitals().look(sleeper.pid) == "gone"
