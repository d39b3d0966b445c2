"""The supervisor, here without ranks."""

from __future__ import annotations

from functools import partial
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


def test_a_run_that_was_interrupted_before_its_pool_is_stopped_ends_calmly(tmp_path: Path) -> None:
    supervisor = Supervisor("1", 1, str(tmp_path), "torch", 60.0, 60.0)
    outcomes: dict[str, Outcome] = {}
    for uid, interrupts in {"interrupted": 1, "cut": 0}.items():
        task, close = SimpleNamespace(uid=uid), partial(outcomes.__setitem__, uid)
        work: Any = SimpleNamespace(task=task, interrupts=interrupts, is_closing=False, close=close)
        supervisor._queue.add(work)
    supervisor.stop("it was terminated")
    supervisor._end_all(Outcome("stopped"))
    supervisor._queue.wait_closed()

    assert supervisor.state == "leaving"
    assert outcomes["interrupted"] == Outcome("stopped")
    assert outcomes["cut"] == Outcome("stopped", error="Its pool left: it was terminated.")
