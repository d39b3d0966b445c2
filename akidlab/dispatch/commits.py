"""Commits: the files, in memory where there is room, from which a run goes on when a rank was lost."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from akidlab import processes

KEPT = 2  # of each rank: ranks are never further apart
MEMORY = Path("/dev/shm")
FILE = re.compile(r"step-(\d+)\.rank-(\d+)\.safetensors")
CHECKPOINT = re.compile(r"step-(\d+)\.safetensors")
FORMAT = 1  # of a checkpoint
TYPES = {
    "BOOL": "bool", "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64", "I8": "int8",
    "I16": "int16", "I32": "int32", "I64": "int64", "F16": "float16", "BF16": "bfloat16", "F32": "float32",
    "F64": "float64", "C64": "complex64", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2",
}  # fmt: skip # as safetensors calls them, and torch


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


def find(places: list[Path], step: int, rank: int) -> Path | None:
    """The file of a rank, wherever it had room; None if there were fewer ranks at that step."""
    found = (place / name(step, rank) for place in places)
    return next((path for path in found if path.exists()), None)


def whole(places: list[Path], size: int) -> list[int]:
    """The steps that all ranks have committed, the newest first."""
    found: dict[int, set[int]] = {}
    for step, rank, _ in _files(places):
        found.setdefault(step, set()).add(rank)
    return sorted((step for step, ranks in found.items() if ranks.issuperset(range(size))), reverse=True)


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


def keep(places: list[Path], rank: int, called: str, data: bytes) -> None:
    """Write down what a rank on another host has committed, and let go of what it committed long before.

    Raises:
        OSError: if there is no room.
        ValueError: if that is no name of a commit.
    """
    match = FILE.fullmatch(called)
    if match is None or int(match[2]) != rank:
        raise ValueError(f"Expected the name of a commit of rank {rank}, found {called!r:.60}.")
    error: OSError | None = None
    for place in places:
        draft = place / f".{called}"
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_bytes(data)
            draft.replace(place / called)
            break
        except OSError as found:
            draft.unlink(missing_ok=True)
            error = found
    else:
        raise error or OSError("there is no place for commits")
    for _, path in sorted(of_rank(places, int(match[2])))[:-KEPT]:
        path.unlink(missing_ok=True)


def write_state(places: list[Path], step: int, state: bytes) -> Path:
    """Write down where all ranks were as they left; they may be other ones afterwards.

    Raises:
        OSError: if there is no room.
    """
    error: OSError | None = None
    for place in places:
        path = place / f"left-{step}.safetensors"
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(state)
        except OSError as found:
            path.unlink(missing_ok=True)
            error = found
        else:
            return path
    raise error or OSError("there is no place for commits")


def as_checkpoint(everything: bytes) -> bytes:
    """What rank 0 committed, as the checkpoint that a kid loads; here is no torch to make one anew.

    The tensors are the same. A checkpoint says more of them: its format, of which rank the generators are,
    and a checksum, for which a commit has no time.

    Raises:
        ValueError: if this is no commit.
        KeyError: if there is a tensor of a type that we do not know.
    """
    begin = 8 + int.from_bytes(everything[:8], "little")
    head, tensors = json.loads(everything[8:begin]), memoryview(everything)[begin:]
    facts = json.loads(head.pop("__metadata__")["akidlab"])
    text = json.dumps({**facts, "format": FORMAT, "random": [facts["random"]]}, sort_keys=True)
    digest = hashlib.sha256(text.encode())
    for called, told in sorted(head.items()):
        digest.update(f"{called}:torch.{TYPES[told['dtype']]}:{tuple(told['shape'])}".encode())
        digest.update(tensors[slice(*told["data_offsets"])])
    head["__metadata__"] = {"akidlab": text, "checksum": digest.hexdigest()}
    plain = json.dumps(head).encode()
    plain += b" " * (-len(plain) % 8)
    return b"".join((len(plain).to_bytes(8, "little"), plain, tensors))


def packed(orders: dict[str, Any] | None, rank: int) -> dict[str, Any] | None:
    """What the ranks are told of their commits, for one on another host: bytes instead of files."""
    if orders is None or (resume := orders["resume"]) is None:
        return orders
    if resume["path"] is not None:
        return {**orders, "resume": {"step": resume["step"], "state": Path(resume["path"]).read_bytes()}}
    places = [Path(place) for place in orders["places"]]
    everything, own = (find(places, resume["step"], number) for number in (0, rank))
    assert everything is not None  # whole steps have one
    told = {"everything": everything.read_bytes(), "own": own and own.read_bytes()}
    return {**orders, "resume": {"step": resume["step"], **told}}


def clear(places: list[Path], but: Path | None = None) -> None:
    """Nothing is left of the commits, but for one file."""
    for place in places:
        if but is None or but.parent != place:
            shutil.rmtree(place, ignore_errors=True)
            continue
        for path in place.iterdir():
            if path != but:
                path.unlink(missing_ok=True)


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
