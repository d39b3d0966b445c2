"""Checkpoints, as they lie in the folder of a run: what there is, without reading what is in them."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import overload

BEST = "best.safetensors"
FILE = re.compile(r"step-(\d+)\.safetensors")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint.

    Args:
        step: the step that it was taken at.
        path: its file.
        size: how many bytes it takes on the disk.
        time: when it was written, seconds since the epoch.
        is_best: whether no validation was better than that of its step.
        is_pinned: whether it is kept whatever becomes of the others.
    """

    step: int
    path: Path
    size: int
    time: float
    is_best: bool = False
    is_pinned: bool = False


class Checkpoints(Sequence[Checkpoint]):
    """Some checkpoints, the earliest step first.

    Example:
        >>> Checkpoints([Checkpoint(20, Path("step-20.safetensors"), 33_900, 0.0, is_best=True)])
        step        20    33.9 kB  best
        1 checkpoint, 33.9 kB
    """

    def __init__(self, members: Sequence[Checkpoint] = ()) -> None:
        self._members = list(members)

    @property
    def steps(self) -> list[int]:
        """The steps that they were taken at."""
        return [one.step for one in self]

    @property
    def best(self) -> Checkpoint | None:
        """That of the best validation, if it was kept."""
        return next((one for one in self if one.is_best), None)

    @property
    def size(self) -> int:
        """How many bytes they take on the disk, all together."""
        return sum(one.size for one in self)

    @overload
    def __getitem__(self, index: int) -> Checkpoint: ...
    @overload
    def __getitem__(self, index: slice) -> Checkpoints: ...
    def __getitem__(self, index: int | slice) -> Checkpoint | Checkpoints:
        found = self._members[index]
        return Checkpoints(found) if isinstance(found, list) else found

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        if not self:
            return "no checkpoints"
        lines = [f"step {one.step:>9,}  {_bytes(one.size):>9}{_marks(one)}" for one in self]
        return "\n".join([*lines, f"{len(self)} checkpoint{'s' * (len(self) > 1)}, {_bytes(self.size)}"])


def on_the_way(folder: Path | str) -> Checkpoints:
    """The checkpoints in `folder` that lie on the way to the last one written.

    A run that went back to an earlier step leaves others behind, of a future that did not come.
    """
    found = written(folder)
    least = accumulate((one.step for one in found), min, initial=math.inf)
    here = [one for one, before in zip(found, least, strict=False) if one.step < before]
    return Checkpoints(here[::-1])


def written(folder: Path | str) -> list[Checkpoint]:
    """All checkpoints in `folder`, torn or not, the last written first.

    Not by step: a kid that went back, or began anew in the same folder, writes lower steps than lie there.
    """
    folder = Path(folder)
    files = dict(_files(folder))
    best, step, more = folder / BEST, None, 0
    with contextlib.suppress(FileNotFoundError):
        step, facts = _best_step(best, files), best.stat()
        if step is not None and files.setdefault(step, (best, facts))[1].st_ino != facts.st_ino:
            more = facts.st_size  # a copy, where the file system knows no links
    found = [
        Checkpoint(
            *(n, path, facts.st_size + (more if n == step else 0), facts.st_mtime),
            is_best=n == step,
            is_pinned=_pin(folder, n).exists(),
        )
        for n, (path, facts) in files.items()
    ]
    return sorted(found, key=lambda one: (files[one.step][1].st_mtime_ns, one.step), reverse=True)


def pin(folder: Path | str, step: int) -> None:
    """Keep the checkpoint of `step` whatever becomes of the others."""
    _pin(Path(folder), step).touch()


def unpin(folder: Path | str, step: int) -> None:
    """Let the checkpoint of `step` go when its time has come."""
    _pin(Path(folder), step).unlink(missing_ok=True)


def _pin(folder: Path, step: int) -> Path:
    return folder / f"step-{step}.pinned"  # a file of its own: several processes may pin at once


def _files(folder: Path) -> Iterator[tuple[int, tuple[Path, os.stat_result]]]:
    for path in folder.glob("step-*"):
        if match := FILE.fullmatch(path.name):
            with contextlib.suppress(FileNotFoundError):  # thinned meanwhile by whoever writes
                yield int(match[1]), (path, path.stat())


def _best_step(best: Path, files: dict[int, tuple[Path, os.stat_result]]) -> int | None:
    facts = best.stat()
    place = facts.st_dev, facts.st_ino
    same = (step for step, (_, one) in files.items() if (one.st_dev, one.st_ino) == place)
    step = next(same, None)
    return _step_of(best) if step is None else step


def _step_of(path: Path) -> int | None:
    """The step that is written at the head of a checkpoint; None if that cannot be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, struct.error), path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        head = json.loads(file.read(min(length, 100_000_000)))
        return int(json.loads(head["__metadata__"]["akidlab"])["step"])
    return None


def _marks(one: Checkpoint) -> str:
    marks = [name for name, holds in (("best", one.is_best), ("pinned", one.is_pinned)) if holds]
    return f"  {', '.join(marks)}" if marks else ""


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
