"""The soak in short: whatever is done to them, dispatches leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ranks.soak import soak

pytestmark = pytest.mark.ranks


def test_dispatches_leave_nothing_behind(
    launcher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, folder in (("AKID_RUNS", "runs"), ("AKIDLAB_RUNTIME", "runtime")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)

    held, left = soak(8, launcher, tmp_path / "runtime", every=4)

    assert left == []
    first, last = held
    assert last.processes == first.processes
    assert last.sockets <= first.sockets + 1
    assert last.files <= first.files + 4
    assert last.shared <= first.shared
    assert last.runtime == first.runtime
