"""The outpost: what it does for its supervisor on another host, and that it leaves nothing there."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from akidlab.dispatch import letter
from akidlab.errors import DispatchError
from akidlab.wire import Connection
from tests.patience import until
from tests.processes import lives


def test_it_delivers_looks_and_kills_and_takes_everything_away_when_its_line_ends(tmp_path: Path) -> None:
    sleepers = [subprocess.Popen(["sleep", "1000"]) for _ in range(2)]
    command = [sys.executable, "-m", "akidlab.dispatch.outpost"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as outpost:
        assert outpost.stdin is not None
        assert outpost.stdout is not None

        def do(**order: object) -> dict[str, object]:
            assert outpost.stdin is not None
            assert outpost.stdout is not None
            outpost.stdin.write(json.dumps(order) + "\n")
            outpost.stdin.flush()
            return json.loads(outpost.stdout.readline())

        path = tmp_path / "letter"
        delivered = do(letters={str(path): "cauliflower"})
        mode, text = stat.S_IMODE(path.stat().st_mode), path.read_text()
        again = do(letters={str(path): "of a stranger"})
        seen = do(look=[process.pid for process in sleepers])
        do(kill=[sleepers[0].pid, signal.SIGSTOP])
        until(lambda: do(look=[sleepers[0].pid]) == {"vitals": {str(sleepers[0].pid): "stopped"}})
        do(kill=[os.getpid(), signal.SIGKILL])  # whom it never looked at it does not touch
        outpost.stdin.close()
    endings = [process.wait(60) for process in sleepers]

    assert (delivered, mode, text) == ({"delivered": 1}, 0o600, "cauliflower")
    assert str(again["error"]).startswith("FileExistsError")
    assert seen == {"vitals": {str(process.pid): "works" for process in sleepers}}
    assert endings == [-signal.SIGKILL, -signal.SIGKILL]
    assert not path.exists()
    until(lambda: not any(lives(process.pid) for process in sleepers))


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A letter for rank 1."""
    monkeypatch.setattr(os, "environ", {**os.environ, "RANK": "1", "WORLD_SIZE": "2", "KNOWN": "here"})
    connection = Connection("pool", "a1", "tcp://127.0.0.1:1", "key", "public", "secret")
    path = tmp_path / "letter.1"
    path.write_text(
        letter.write(connection, {"TOKEN": "cauliflower", "KNOWN": "there"}, afar=True, interface=None)
    )
    path.chmod(0o600)
    return path


def test_a_letter_is_gone_when_it_is_read(written: Path) -> None:
    connection, where, *rest = letter.opened(str(written.with_suffix("")), "3", "torch")

    assert json.loads(connection)["client_secret"] == "secret"
    assert (where, rest) == ("afar", ["3", "torch"])
    assert (os.environ["TOKEN"], os.environ["KNOWN"]) == ("cauliflower", "here")
    assert os.environ["GLOO_SOCKET_IFNAME"] == os.environ["HOROVOD_GLOO_IFACE"]
    assert os.environ["GLOO_SOCKET_IFNAME"].startswith("lo")
    assert not written.exists()


def test_a_letter_that_others_could_read_is_not_opened(written: Path) -> None:
    written.chmod(0o644)

    with pytest.raises(DispatchError, match="is not this user's alone, expected mode 600; it is not used"):
        letter.opened(str(written.with_suffix("")), "3", "torch")
