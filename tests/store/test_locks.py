"""Another process that comes and goes takes nothing from under a connection that is open here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from akidlab.store import Store, schema

COMES_AND_GOES = """
import sys
from akidlab.store import Store
store = Store(sys.argv[1])
store.create("theirs")
store.close()
"""


def test_connecting_a_second_time_keeps_the_locks_of_the_first(tmp_path: Path) -> None:
    """SQLite's locks belong to the process: any close of the file drops them, and the log is deleted."""
    store = Store(tmp_path)
    store.create("ours")
    schema.connect(tmp_path).close()
    subprocess.run([sys.executable, "-c", COMES_AND_GOES, str(tmp_path)], check=True)

    assert (tmp_path / f"{schema.FILE}-wal").exists()
    store.create("ours")
    assert sorted(run.name for run in Store(tmp_path).runs()) == ["ours", "ours-2", "theirs"]
