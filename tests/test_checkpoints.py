"""Checkpoints: what lies in the folder of a run."""

from __future__ import annotations

import json
import os
import shutil
import struct
from pathlib import Path

import pytest

from akidlab import checkpoints
from akidlab.checkpoints import Checkpoint, Checkpoints


@pytest.fixture
def write(tmp_path: Path):
    """Write a file with the head of a checkpoint; the later ones are newer."""
    written = []

    def write(step: int) -> Path:
        head = json.dumps({"__metadata__": {"akidlab": json.dumps({"step": step})}}).encode()
        path = tmp_path / f"step-{step}.safetensors"
        path.write_bytes(struct.pack("<Q", len(head)) + head + b"x" * 100)
        written.append(path)
        os.utime(path, ns=(0, len(written) * 10**9))
        return path

    return write


def test_an_empty_folder_has_none(tmp_path) -> None:
    assert repr(checkpoints.on_the_way(tmp_path / "nowhere")) == "no checkpoints"


def test_what_a_run_left_behind_when_it_went_back_is_not_on_its_way(write, tmp_path) -> None:
    for step in (10, 20, 30, 15, 18):
        write(step)

    assert checkpoints.on_the_way(tmp_path).steps == [10, 15, 18]
    assert [one.step for one in checkpoints.written(tmp_path)] == [18, 15, 30, 20, 10]


def test_the_best_is_one_of_them_however_its_name_was_made(write, tmp_path) -> None:
    os.link(write(10), tmp_path / checkpoints.BEST)
    write(20)
    linked = checkpoints.on_the_way(tmp_path)
    (tmp_path / "step-10.safetensors").unlink()
    alone = checkpoints.on_the_way(tmp_path)
    shutil.copy2(tmp_path / checkpoints.BEST, tmp_path / "step-10.safetensors")
    copied = checkpoints.on_the_way(tmp_path)

    assert linked.steps == alone.steps == copied.steps == [10, 20]
    best = [there.best for there in (linked, alone, copied)]
    assert [one.step for one in best] == [10, 10, 10]
    assert best[2].size == 2 * best[0].size


def test_a_pin_stays_until_it_is_taken_out(write, tmp_path) -> None:
    write(10)
    checkpoints.pin(tmp_path, 10)
    pinned = checkpoints.on_the_way(tmp_path)[0].is_pinned
    checkpoints.unpin(tmp_path, 10)

    assert pinned
    assert not checkpoints.on_the_way(tmp_path)[0].is_pinned


def test_they_are_shown_as_a_table() -> None:
    some = Checkpoints([Checkpoint(5, Path(), 2_000_000, 0.0), Checkpoint(1000, Path(), 12, 0.0, True, True)])

    assert repr(some).splitlines() == [
        "step         5       2 MB",
        "step     1,000       12 B  best, pinned",
        "2 checkpoints, 2 MB",
    ]
