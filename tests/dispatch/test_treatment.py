"""What is done about a rank that hangs, in which order."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from akidlab.dispatch import treatment
from akidlab.dispatch.doctor import Hang
from akidlab.dispatch.treatment import Treatment
from tests.patience import until

DEAF = """
import signal, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: print(number, flush=True))
print("deaf", flush=True)
while True:
    time.sleep(600)
"""


@pytest.fixture
def deaf() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-S", "-c", DEAF]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "deaf\n"
        yield process
        process.kill()


def test_it_interrupts_terminates_and_kills(
    deaf: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(treatment, "STAGE", 0.3)
    treated, done = Treatment(Hang(1, "Rank 1 hangs.", time.monotonic(), 0.0)), []
    until(lambda: done.append(treated.proceed(deaf.pid)) or "killed" in done)

    assert [one for one in done if one] == ["interrupted", "terminated", "killed"]
    assert deaf.stdout is not None
    assert deaf.stdout.read().split() == [str(int(signal.SIGINT)), str(int(signal.SIGTERM))]
    assert deaf.wait(10) == -signal.SIGKILL


def test_it_is_patient_as_long_as_the_hang_may_be_none(deaf: subprocess.Popen[str]) -> None:
    treated = Treatment(Hang(1, "Rank 1 hangs.", time.monotonic() - 10.0, 600.0))

    assert (treated.proceed(deaf.pid), treated.has_begun) == (None, False)


def test_what_no_signal_reaches_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(treatment, "STAGE", 0.05)
    treated, sent = Treatment(Hang(1, "Rank 1 hangs.", time.monotonic(), 0.0)), []
    until(lambda: treated.proceed(1, lambda pid, number: sent.append(number)) == "killed")
    assert not treated.has_failed
    until(lambda: treated.has_failed)

    assert sent == [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
