"""Every test has a store, a runtime folder and a working folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKID_RUNS", str(tmp_path / "akid_runs"))
    monkeypatch.setenv("AKIDLAB_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.delenv("AKIDLAB_QUIET", raising=False)
