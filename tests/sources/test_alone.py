"""One process at a time."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from akidlab.sources.alone import alone

INSIDE = "from pathlib import Path\nfrom akidlab.sources.alone import alone\nwith alone(Path({!r})):\n {}"


def test_two_threads_are_never_inside_at_once(tmp_path: Path):
    entered, inside = threading.Event(), []

    def enter() -> None:
        entered.set()
        with alone(tmp_path / "a"):
            inside.append("second")

    with alone(tmp_path / "a"):
        thread = threading.Thread(target=enter)
        thread.start()
        entered.wait()
        thread.join(0.05)
        inside.append("first")
    thread.join()

    assert inside == ["first", "second"]


def test_another_path_is_not_waited_for(tmp_path: Path):
    with alone(tmp_path / "a"), alone(tmp_path / "b"):
        pass


def test_a_process_that_died_inside_lets_the_next_one_in(tmp_path: Path):
    code = INSIDE.format(str(tmp_path / "a"), "import os; os._exit(3)")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 3

    with alone(tmp_path / "a"):
        pass


def test_where_no_lock_can_be_made_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("AKIDLAB_RUNTIME", str(tmp_path / "file"))

    with alone(tmp_path / "a"), alone(tmp_path / "a"):
        pass


def test_what_is_raised_inside_comes_out(tmp_path: Path):
    with pytest.raises(OSError, match="torn"), alone(tmp_path / "a"):
        raise OSError("torn")
