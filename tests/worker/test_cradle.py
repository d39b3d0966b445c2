"""Ranks that are born from one process which has imported everything: real processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from akidlab.dispatch.cradle import Cradle
from tests.patience import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ranks are born by forking on Linux only")

# A cradle that is warm at once, whose ranks do what the test says.
CRADLE = """
import sys
from akidlab.worker import __main__ as worker, cradle
cradle.warm = lambda: None
worker.live = lambda arguments: exec(arguments[0])
cradle.main(int(sys.argv[1]))
"""
STAND = """
import sys
from akidlab.worker.cradle import stand_for
stand_for(sys.argv[1], sys.argv[2:])
print("I am the rank")
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    started = subprocess.Popen

    def start(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        return started([command[0], "-c", CRADLE, command[-1]], **options)  # type: ignore[call-overload]

    cradle = Cradle()
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", start)
        path = cradle.start({})["AKIDLAB_CRADLE"]
    yield path
    cradle.stop()
    assert not Path(path).parent.exists()


def stand(place: str, source: str) -> subprocess.Popen[str]:
    """A process that stands for a rank."""
    command = [sys.executable, "-c", STAND, place, source]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=60)
    return process.returncode, said


def test_a_rank_has_the_files_the_environment_and_the_folder_of_who_stands_for_it(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.chdir(tmp_path)
    source = "import os; print(os.environ['RANK'], os.getcwd(), flush=True)"

    assert ended(stand(place, source)) == (0, f"1 {tmp_path}\n")


def test_who_stands_for_a_rank_ends_as_it_ends(place: str) -> None:
    assert ended(stand(place, "import os; os._exit(3)"))[0] == 3
    assert ended(stand(place, "import os; os.kill(os.getpid(), 9)"))[0] == -signal.SIGKILL
    assert ended(stand(place, "raise ValueError('no')"))[0] == 1


def test_a_rank_ends_with_who_stands_for_it(place: str) -> None:
    process = stand(place, "import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    assert process.stdout is not None
    rank = int(process.stdout.readline())
    process.kill()
    process.communicate()

    until(lambda: not psutil.pid_exists(rank))


def test_a_cradle_that_dies_takes_its_ranks_for_dead(place: str) -> None:
    process = stand(place, "import os, time; print(os.getppid(), flush=True); time.sleep(5)")
    assert process.stdout is not None
    os.kill(int(process.stdout.readline()), signal.SIGKILL)

    assert process.wait(60) == -signal.SIGKILL
    process.communicate()


def test_nothing_is_left_of_a_cradle_whose_supervisor_was_killed(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "place" / "cradle"))
        listener.listen()
        number = listener.fileno()
        command = [sys.executable, "-c", CRADLE, str(number)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[number])
    process.communicate(timeout=60)

    assert list(tmp_path.iterdir()) == []


def test_where_there_is_no_cradle_a_process_is_the_rank_itself(tmp_path: Path) -> None:
    assert ended(stand(str(tmp_path / "nothing"), "")) == (0, "I am the rank\n")


def test_who_hangs_up_before_it_orders_leaves_the_cradle_as_it_was(place: str) -> None:
    for said in (b"", b"\x00", b"\x05\x00\x00\x00{}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.connect(place)
            line.sendall(said)

    assert ended(stand(place, "print('born', flush=True)")) == (0, "born\n")
