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

as_root = pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="Only root can give files away.")


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
    path = connection(born=1.0).write()

    assert Connection.find("run") == []
    assert not path.exists()


def test_a_clock_that_was_put_right_kills_nobody() -> None:
    living = connection(created=time.time() - 86_400)
    living.write()

    assert Connection.find("run") == [living]


def test_who_finds_it_dead_leaves_the_file_of_the_next_one() -> None:
    dead, next_one = connection(born=1.0), connection(server_key="of the next one")
    dead.write()
    next_one.write()
    dead.remove()

    assert Connection.find("run") == [next_one]
    assert [path.name for path in runtime_path().iterdir()] == ["run-a1.json"]


def test_what_a_killed_process_had_not_finished_is_removed() -> None:
    old, young = (runtime_path() / f"run-a1.{name}.tmp" for name in ("old", "young"))
    for draft in (old, young):
        draft.write_text("{")
    os.utime(old, (0, 0))
    Connection.find("run")

    assert (old.exists(), young.exists()) == (False, True)


def test_a_file_that_others_may_read_is_not_used() -> None:
    path = connection().write()
    path.chmod(0o640)

    with pytest.raises(WireError, match=r"may be read by others \(its mode is 640, expected 600\)"):
        Connection.read(path)
    assert (Connection.find("run"), path.exists()) == ([], True)


@as_root
def test_a_file_of_another_user_is_ignored() -> None:
    path = connection().write()
    os.chown(path, 12345, -1)

    with pytest.raises(WireError, match=r"run-a1\.json` belongs to another user"):
        Connection.read(path)
    assert (Connection.find("run"), path.exists()) == ([], True)


@as_root
def test_a_folder_of_another_user_is_refused() -> None:
    os.chown(runtime_path(), 12345, -1)

    with pytest.raises(WireError, match=r"belongs to another user \(number 12345\)\. Set AKIDLAB_RUNTIME"):
        connection().write()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    connection().write().rename(tmp_path / "elsewhere.json")
    (runtime_path() / "run-a1.json").symlink_to(tmp_path / "elsewhere.json")

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
    torn.chmod(0o600)

    with pytest.raises(WireError, match=r"torn\.json` cannot be read"):
        Connection.read(torn)
    assert Connection.find("run") == []


def test_this_process_is_live() -> None:
    assert connection(pid=os.getpid()).is_live
