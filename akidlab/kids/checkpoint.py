"""Checkpoints: everything a Kid needs to go on bit for bit, in one safetensors file that runs no code."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import Tensor

from akidlab import checkpoints
from akidlab.checkpoints import BEST
from akidlab.config import runs_path
from akidlab.errors import CheckpointError
from akidlab.kids import state
from akidlab.kids.keep import Keep

if TYPE_CHECKING:
    from akidlab.kids.kid import Kid

log = logging.getLogger(__name__)

FORMAT = 1


def dump(kid: Kid) -> bytes:
    """The kid as one safetensors file in memory: weights, optimiser, generators, sampler and clock."""
    tensors, facts = state.take(kid)
    tensors = unshared(tensors)
    text = json.dumps({"format": FORMAT, **facts}, sort_keys=True, default=plain)
    return safetensors.save(tensors, {"akidlab": text, "checksum": _checksum(tensors, text)})


def load(kid: Kid, data: bytes) -> None:
    """Put `kid` where it was when `data` was dumped; set it up first if need be.

    Raises:
        CheckpointError: if the data are torn, or belong to another brain or kongfu.
    """
    state.give(kid, *read(data))


def read(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the facts of a checkpoint.

    Raises:
        CheckpointError: if the data are torn or are no checkpoint.
    """
    try:
        tensors = safetensors.load(data)
        metadata = _metadata(data)
    except (SafetensorError, ValueError, struct.error) as error:
        raise CheckpointError(f"This is no checkpoint, or a torn one: {error}.") from error
    text = metadata.get("akidlab")
    if text is None:
        raise CheckpointError("This safetensors file holds no kid: it was not written by `kid.save()`.")
    if metadata.get("checksum") != _checksum(tensors, text):
        raise CheckpointError("The checkpoint is damaged: its checksum does not fit. Use the one before.")
    facts = json.loads(text)
    if facts["format"] > FORMAT:
        raise CheckpointError(
            f"The checkpoint has format {facts['format']}; this akidlab reads up to {FORMAT}."
        )
    return tensors, facts


def save(kid: Kid, folder: Path | str, keep: int | Keep | None = None) -> Path:
    """Write `step-<n>.safetensors` into `folder`, whole or not at all, and thin those that lie there.

    Args:
        kid: whose state.
        folder: where to.
        keep: which checkpoints stay; by default as the kid was told.
    """
    folder = Path(folder)
    path = folder / f"step-{int(kid.clock)}.safetensors"
    write(path, dump(kid))
    thin(folder, kid.keep if keep is None else Keep.of(keep))
    return path


def thin(folder: Path | str, keep: Keep) -> None:
    """Take away the checkpoints in `folder` that have no room."""
    for old in keep.surplus(checkpoints.written(folder)):
        with contextlib.suppress(FileNotFoundError):
            old.path.unlink()


def mark_best(folder: Path | str, step: int) -> None:
    """Keep the checkpoint of `step` as `best.safetensors`, whatever becomes of the others."""
    path, best = Path(folder) / f"step-{step}.safetensors", Path(folder) / BEST
    if not path.exists():
        return
    temporary = best.with_name(f".{BEST}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        os.link(path, temporary)
    except OSError:  # a file system without links
        write(best, path.read_bytes())
    else:
        os.replace(temporary, best)


def latest(folder: Path | str) -> Path | None:
    """The newest checkpoint in `folder` that is not torn; None if there is none."""
    return next((path for path, _ in _intact(Path(folder))), None)


def newest(folder: Path | str) -> bytes | None:
    """What is in the newest checkpoint of `folder` that is not torn; None if there is none."""
    return next((data for _, data in _intact(Path(folder))), None)


def find(source: Any) -> bytes | None:
    """What is in a checkpoint: of a file, or the newest of a folder, of a run, or of a run by its name."""
    place = getattr(source, "folder", source)
    if place is None:
        return None
    path = Path(place)
    if path.is_file():
        return path.read_bytes()
    if isinstance(source, str) and not path.is_dir():
        path = runs_path() / source
    return newest(path)


def newest_of(folder: Path | None, name: str) -> bytes | None:
    """The newest in `folder`, else of the run called `name`; None if there is none."""
    return (None if folder is None else newest(folder)) or newest(runs_path() / name)


def paths(folder: Path | str) -> list[Path]:
    """The checkpoints in `folder`, torn or not, last written first.

    Not by step: a kid that went back, or began anew in the same folder, writes lower steps than lie there.
    """
    return [one.path for one in checkpoints.written(folder)]


def write(path: Path, data: bytes) -> None:
    """Write `data` under a temporary name, wait for the disk, then rename: nobody sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _fsync_folder(path.parent)


def _intact(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in paths(folder):
        try:
            data = path.read_bytes()
        except FileNotFoundError:  # thinned meanwhile by whoever writes: there are newer ones
            yield from _intact(folder)
            return
        try:
            read(data)
        except CheckpointError as error:
            log.warning("%s is passed over: %s", path, error)
        else:
            yield path, data


def unshared(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """On the CPU, contiguous, and no two in the same memory, which safetensors refuses (tied weights)."""
    seen: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().contiguous()
        place = tensor.untyped_storage().data_ptr()
        result[name] = tensor.clone() if place in seen and place else tensor
        seen.add(place)
    return result


def _checksum(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
        if tensor.numel():
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _metadata(data: bytes) -> dict[str, str]:
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]).get("__metadata__", {})


def plain(value: object) -> object:
    if isinstance(value, Tensor):
        return value.item()
    if hasattr(value, "tolist"):  # numpy's scalars
        return value.tolist()  # type: ignore[attr-defined]
    raise TypeError(f"A checkpoint holds plain values and tensors; found a {type(value).__name__}.")


def _fsync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every system opens folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
