"""A run in a store, and no browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import comm
import pytest

from akidlab.store import Recorder, Run, Store

sys.path.insert(0, str(Path(__file__).parent))

from tapped import Wire  # it lies beside this file


@pytest.fixture(autouse=True)
def _wire(monkeypatch: pytest.MonkeyPatch) -> None:
    Wire.sent.clear()
    monkeypatch.setattr(comm, "create_comm", lambda *_, **keys: Wire(**keys))


@pytest.fixture
def run() -> Run:
    return Store().create("digits", max_steps=1000)


@pytest.fixture
def recorder(run: Run) -> Iterator[Recorder]:
    with Recorder(run) as recorder:
        yield recorder
