"""The store: where it lies, who may read it, and what it says when it cannot be written."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from akidlab.errors import StoreError, UnknownNameError
from akidlab.messages import Message, Samples
from akidlab.store import Recorder, Run, Store, runs, schema
from tests.store.observing import observed


def test_looking_makes_no_folder():
    found = runs()

    assert len(found) == 0
    assert not Store().path.exists()


def test_a_name_that_is_taken_gets_a_number(store):
    names = [store.create("digits").name for _ in range(3)]

    assert names == ["digits", "digits-2", "digits-3"]


def test_a_run_does_not_take_over_a_folder_that_is_there(store):
    (store.path / "digits").mkdir(parents=True)

    assert store.create("digits").name == "digits-2"


def test_a_run_is_found_by_name_and_by_uid(store):
    run = store.create("digits", uid="abc")

    assert store.run("digits") == store.run("abc") == run


def test_a_name_that_no_run_has_is_met_with_the_nearest(store):
    store.create("digits")

    with pytest.raises(UnknownNameError, match=r"no run `digit`\. Did you mean `digits`\?"):
        store.run("digit")


@pytest.mark.parametrize("name", ["a/b", "", "..", ".hidden", "a\nb", "x" * 101, "-np"])
def test_a_name_that_cannot_be_a_folder_is_refused(store, name):
    with pytest.raises(StoreError, match="cannot be called"):
        store.create(name)


def test_only_the_owner_may_read(store):
    store.create("digits")

    modes = [stat.S_IMODE(path.stat().st_mode) for path in store.path.iterdir()]

    assert stat.S_IMODE(store.path.stat().st_mode) == 0o700
    assert set(modes) == {0o600}


def test_the_log_is_written_ahead(store):
    store.create("digits")

    with store.reading() as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_without_shared_memory_the_journal_is_an_ordinary_file(store, monkeypatch):
    monkeypatch.setattr(schema, "has_shared_memory", lambda folder: False)
    run = store.create("digits")

    with Recorder(run) as recorder:
        recorder.hear(Message("loss", 0.5, step=1))

    with store.reading() as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("truncate",)
    assert run.scalars("loss").last == 0.5


def test_a_store_of_a_newer_version_is_refused(store):
    store.create("digits")
    store.close()
    with sqlite3.connect(store.path / schema.FILE) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()

    with pytest.raises(StoreError, match=r"newer akidlab: it has schema 99.*Upgrade akidlab"):
        store.runs()
    with pytest.raises(StoreError, match="newer akidlab"):
        store.create("other")


def test_a_store_of_the_first_version_is_read_and_written_on(store):
    run = of_the_first_version(store)

    with Recorder(run) as recorder:
        recorder.hear(observed(2))

    assert run.scalars("loss").values.tolist() == [0.5]
    assert run.percentiles("weights/conv1").steps.tolist() == [2]
    with store.reading() as db:
        assert db.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)


def test_a_store_of_the_first_version_that_may_not_be_written_has_no_distributions(store, monkeypatch):
    run = of_the_first_version(store)
    monkeypatch.setattr(schema.os, "access", lambda path, mode: False)

    assert (run.tags(), run.distributions(), run.pictures()) == (["loss"], [], [])
    with pytest.raises(UnknownNameError, match="no distribution `weights/conv1`"):
        run.percentiles("weights/conv1")


def test_a_folder_that_cannot_be_made_is_told_before_anything_starts(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreError, match=r"cannot be written: .*AKID_RUNS"):
        Store(tmp_path / "file" / "runs").create("digits")


def test_a_read_only_folder_can_be_looked_at_and_not_written():
    with tempfile.TemporaryDirectory() as above:  # not pytest's: nobody else may enter there
        store = Store(Path(above) / "runs")
        with Recorder(store.create("digits")) as recorder:
            recorder.hear(Message("loss", 0.5, step=1))
        store.close()
        for path in (Path(above), store.path, store.path / schema.FILE):
            path.chmod(0o555)

        said = as_nobody(
            f"""
            from akidlab.store import Store
            store = Store({str(store.path)!r})
            print(store.run("digits").scalars("loss").last)
            try:
                store.create("other")
            except Exception as error:
                print(type(error).__name__, error)
            """
        )
        store.path.chmod(0o700)

    assert said[0] == "0.5"
    assert said[1].startswith("StoreError The store")
    assert "cannot be written: attempt to write a readonly database. Free some space or make" in said[1]


def test_a_folder_that_only_another_may_write_is_told_before_anything_starts():
    with tempfile.TemporaryDirectory() as above:
        Path(above).chmod(0o555)

        (said,) = as_nobody(
            f"""
            from akidlab.store import Store
            try:
                Store({str(Path(above) / "runs")!r}).create("digits")
            except OSError as error:
                print(type(error).__name__, error)
            """
        )

    assert said.startswith(
        f"StoreError The folder of runs `{above}/runs` cannot be written: Permission denied."
    )


def test_a_damaged_file_is_reported_as_such(store):
    store.path.mkdir()
    (store.path / schema.FILE).write_text("this was never a database, and it is long enough to tell\n" * 20)

    with pytest.raises(StoreError, match="file is not a database"):
        store.runs()


def test_a_deleted_run_leaves_nothing(store):
    run = store.create("digits", status="finished")
    run.folder.mkdir()
    with Recorder(run) as recorder:
        recorder.hear(Message("loss", Samples(range(5000), [0.0] * 5000, [0.0] * 5000)))
        recorder.hear(observed(1))
        recorder.stop("finished")

    run.delete()

    assert list(store.runs()) == []
    assert not (store.path / "digits").exists()
    with store.reading() as db:
        assert {db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in schema.OF_A_RUN} == {0}
    with pytest.raises(StoreError, match="it was deleted"):
        _ = run.status


def test_a_live_run_is_not_deleted(store):
    store.create("digits", status="running")

    with pytest.raises(StoreError, match=r"`digits` is running .* Stop it first"):
        store.delete("digits")


def test_a_store_that_was_deleted_can_be_begun_anew(store):
    store.create("old")
    shutil.rmtree(store.path)

    assert len(store.runs()) == 0
    assert store.create("new").name == "new"


def test_the_store_needs_neither_torch_nor_jupyter_nor_pandas():
    unwanted = {"torch", "pandas", "IPython", "plotly"}
    code = f"import sys, akidlab.store; print(sorted({unwanted} & set(sys.modules)))"

    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert said.strip() == "[]"


def of_the_first_version(store: Store) -> Run:
    """A run in a database as it was before distributions were written."""
    run = store.create("digits")
    with Recorder(run) as recorder:
        recorder.hear(Message("loss", 0.5, step=1))
    store.close()
    with sqlite3.connect(store.path / schema.FILE) as db:
        db.executescript(
            "DROP TABLE pieces; DROP TABLE distributions; DROP TABLE images; PRAGMA user_version = 1;"
            "CREATE TABLE distributions (run INTEGER, tag INTEGER, step INTEGER, time REAL, percentiles BLOB,"
            " PRIMARY KEY (run, tag, step)) WITHOUT ROWID"
        )
    db.close()
    return run


def as_nobody(code: str) -> list[str]:
    """What a program prints that is not run as root, whom every folder would let in."""
    drop = "import os, akidlab.store; os.getuid() or (os.setgid(65534), os.setuid(65534))\n"
    program = drop + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()
