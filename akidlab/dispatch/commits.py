"""Commits: the files, in memory where there is room, from which a run goes on when a rank was lost."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from akidlab import processes

MEMORY = Path("/dev/shm")
FILE = re.compile(r"step-(\d+)\.rank-(\d+)\.safetensors")
CHECKPOINT = re.compile(r"step-(\d+)\.safetensors")


def folders(uid: str, run: Path) -> list[Path]:
    """Where the ranks of a run may commit, the best place first; `clear` removes them.

    Args:
        uid: of the run; nobody can guess it.
        run: the folder of the run, which is slower, but has room.
    """
    beside = run / ".commits"
    if not os.access(MEMORY, os.W_OK):
        return [beside]
    memory = MEMORY / f"akidlab-{os.getpid()}-{uid}"
    memory.mkdir(mode=0o700, exist_ok=True)
    return [memory, beside]


def name(step: int, rank: int) -> str:
    """What a rank calls its file of one step.

    Example:
        >>> name(120, 1)
        'step-120.rank-1.safetensors'
    """
    return f"step-{step}.rank-{rank}.safetensors"


def find(places: list[Path], step: int, rank: int) -> Path:
    """The file of a rank, wherever it had room.

    Raises:
        FileNotFoundError: if there is none.
    """
    for place in places:
        if (path := place / name(step, rank)).exists():
            return path
    raise FileNotFoundError(f"Rank {rank} has not committed step {step} in {', '.join(map(str, places))}.")


def whole(places: list[Path], size: int) -> list[int]:
    """The steps that all ranks have committed, the newest first."""
    found: dict[int, set[int]] = {}
    for step, rank, _ in _files(places):
        found.setdefault(step, set()).add(rank)
    return sorted((step for step, ranks in found.items() if len(ranks) >= size), reverse=True)


def of_rank(places: list[Path], rank: int) -> list[tuple[int, Path]]:
    """What one rank has committed: the steps and the files."""
    return [(step, path) for step, number, path in _files(places) if number == rank]


def checkpoint(run: Path) -> tuple[int, Path] | None:
    """The checkpoint that was written last."""
    found = [
        (p.stat().st_mtime_ns, int(m[1]), p)
        for p in run.glob("step-*")
        if (m := CHECKPOINT.fullmatch(p.name))
    ]
    return max(found)[1:] if found else None


def clear(places: list[Path]) -> None:
    """Nothing is left of the commits."""
    for place in places:
        shutil.rmtree(place, ignore_errors=True)


def forget_the_dead() -> None:
    """Drop what supervisors that were killed left in memory."""
    for place in MEMORY.glob("akidlab-*-*"):
        pid = place.name.split("-")[1]
        if pid.isdigit() and processes.began(int(pid)) is None and place.stat().st_uid == os.getuid():
            clear([place])


def _files(places: list[Path]) -> Iterator[tuple[int, int, Path]]:
    for place in places:
        for path in place.glob("step-*"):
            if match := FILE.fullmatch(path.name):
                yield int(match[1]), int(match[2]), path
