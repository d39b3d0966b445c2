"""The table of faults in short: those that no other test injects, once each, on MNIST."""

from __future__ import annotations

from pathlib import Path

import pytest

from akidlab.config import data_path
from tests.ranks import faults

pytestmark = [
    pytest.mark.ranks,
    pytest.mark.skipif(not (data_path() / "mnist").is_dir(), reason="MNIST is not here: set AKID_DATA_PATH"),
]


def test_runs_outlive_every_fault_and_end_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKID_DATA_PATH", str(data_path().resolve()))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)
    table = faults.measure(1, 60, "torch", faults=("out of memory", "dead host"), commit_every=10)

    assert [(row.fault, row.finished, row.equal, row.twice + row.missing) for row in table] == [
        ("none", 1, 1, 0),
        ("out of memory", 1, 1, 0),
        ("dead host", 1, 1, 0),
    ]
    assert all(lost <= 20 for row in table for lost in row.lost)
