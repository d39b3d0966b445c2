"""The supervisor, here without ranks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from akidlab.dispatch import Outcome
from akidlab.dispatch.supervisor import Supervisor


def test_a_fault_of_its_own_fails_the_runs_that_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = Supervisor("1", 1, str(tmp_path), "torch", 60.0, 60.0)
    outcomes: list[Outcome] = []
    work: Any = SimpleNamespace(task=SimpleNamespace(uid="run"), is_closing=False, close=outcomes.append)
    supervisor._queue.add(work)

    def fail() -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(supervisor.ranks, "launch", lambda: None)
    monkeypatch.setattr(supervisor, "_tick", fail)
    with pytest.raises(OSError, match="no space left on device"):
        supervisor.serve()

    assert [outcome.status for outcome in outcomes] == ["failed"]
    assert "The supervisor failed: OSError('no space left on device')" in str(outcomes[0].error)
