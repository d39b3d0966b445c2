"""The processes of one launch; here they are no ranks."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from akidlab.dispatch import processes
from akidlab.dispatch.launcher import Launcher, Line
from akidlab.dispatch.processes import Processes
from tests.patience import until

Start = Callable[..., Processes]


class Plain(Launcher):
    """Runs a program once."""

    engine = "local"

    def check(self) -> None: ...

    def command(self, size: int, worker: list[str]) -> list[str]:
        return [sys.executable, *worker]

    def rank(self) -> tuple[int, int]:
        return 0, 1


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Processes] = []

    def begin(source: str, on_line: Callable[[Line], None] = lambda line: None) -> Processes:
        secrets = tmp_path / "secrets"
        started.append(Processes(Plain(), 1, ["-c", source], secrets=secrets, on_line=on_line))
        return started[-1]

    yield begin
    for each in started:
        each.end(grace=0.0)
        assert each.wait(10.0)


def test_a_rank_that_says_hello_while_all_are_ended_ends_with_them(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = start("import time; time.sleep(60)")
    sleeper = subprocess.Popen(["sleep", "60"])
    reaping = threading.Thread(target=sleeper.wait)
    reaping.start()
    lives = processes._lives

    def greet(process: psutil.Process) -> bool:
        begun.know(sleeper.pid)  # while it is looked which of them live
        return lives(process)

    monkeypatch.setattr(processes, "_lives", greet)
    begun.end(grace=0.2)

    assert begun.wait(10.0)
    reaping.join(5.0)
    assert sleeper.returncode == -9


def test_a_line_that_cannot_be_passed_on_does_not_stop_the_next_ones(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def hear(line: Line) -> None:
        heard.append(line.text)
        if len(heard) == 1:
            raise OSError("no space left on device")

    start("print('one'); print('two')", hear)
    until(lambda: heard == ["one\n", "two\n"])

    assert "no space left on device" in caplog.text
