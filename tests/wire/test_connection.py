"""Connection files: private, whole, and gone when their process is."""

from __future__ import annotations

import dataclasses
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from akidlab.config import runtime_path
from akidlab.errors import WireError
from akidlab.wire import Connection


def connection(uid: str = "a1", **changes: object) -> Connection:
    made = Connection("run", uid, "tcp://127.0.0.1:1", "server", "public", "secret", info={"name": "x"})
    return dataclasses.replace(made, **changes)


def test_a_connection_is_read_as_it_was_written() -> None:
    written = connection()

    assert Connection.read(written.write()) == written


def test_only_its_owner_can_read_it() -> None:
    path = connection().write()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_writing_again_replaces_it_and_leaves_nothing_beside() -> None:
    connection().write()
    connection(address="tcp://127.0.0.1:2").write()

    assert [path.name for path in runtime_path().iterdir()] == ["run-a1.json"]
    assert Connection.find("run")[0].address == "tcp://127.0.0.1:2"


def test_a_folder_that_cannot_be_written_is_told_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("AKIDLAB_RUNTIME", str(tmp_path / "file"))

    with pytest.raises(WireError, match=r"`run` a1 cannot be written: .*Set AKIDLAB_RUNTIME"):
        connection().write()


def test_the_secret_is_not_shown() -> None:
    assert "secret" not in repr(connection()).replace("client_secret", "")


def test_the_living_are_found_oldest_first() -> None:
    now = time.time()
    for uid, age in [("b2", 0.0), ("a1", -0.5)]:
        connection(uid, created=now + age).write()

    assert [found.uid for found in Connection.find("run")] == ["a1", "b2"]
    assert Connection.find("pool") == []


def test_files_of_the_dead_are_removed() -> None:
    done = subprocess.Popen([sys.executable, "-c", "pass"])
    done.wait()
    path = connection(pid=done.pid).write()

    assert Connection.find("run") == []
    assert not path.exists()


def test_a_process_that_took_over_the_number_is_not_the_one_that_wrote() -> None:
    connection(created=1.0).write()

    assert Connection.find("run") == []


def test_files_of_another_machine_are_left_alone() -> None:
    path = connection(host="elsewhere").write()

    assert Connection.find("run") == []
    assert path.exists()


def test_a_missing_file_says_that_nothing_listens() -> None:
    with pytest.raises(WireError, match=r"Nothing listens under `run-zz\.json`"):
        Connection.read(runtime_path() / "run-zz.json")


def test_a_torn_file_is_named_and_not_found(tmp_path: Path) -> None:
    torn = runtime_path() / "run-torn.json"
    torn.write_text('{"kind": "run"')

    with pytest.raises(WireError, match=r"torn\.json` cannot be read"):
        Connection.read(torn)
    assert Connection.find("run") == []


def test_this_process_is_live() -> None:
    assert connection(pid=os.getpid()).is_live
