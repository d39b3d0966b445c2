"""Tensors that are kept on disk for the very tensors that they were computed from."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors import torch as safetensors

from akidlab.sources.download import write_whole

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

_CHUNK = 4096


def digest(tensor: Tensor, more: str) -> str:
    """What tells this tensor, and `more`, from all others.

    Example:
        >>> digest(torch.zeros(2), "") == digest(torch.zeros(2), ""), digest(torch.zeros(3), "")[:8]
        (True, '2cece0f3')
    """
    hashed = hashlib.sha256(f"{tuple(tensor.shape)} {tensor.dtype} {more}".encode())
    for chunk in tensor.split(_CHUNK):
        hashed.update(_bytes(chunk.cpu()))
    return hashed.hexdigest()[:32]


def save(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Keep the tensors at `path`, whole or not at all; where that cannot be, it is logged."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    try:
        write_whole(path, safetensors.save(tensors, {"checksum": _checksum(tensors)}))
    except OSError as error:
        log.warning("%s could not be kept: %s", path, error)


def load(path: Path) -> dict[str, Tensor] | None:
    """What is kept at `path`, None if there is nothing that is whole."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            whole = (file.metadata() or {}).get("checksum") == _checksum(tensors)
    except (SafetensorError, OSError) as error:
        log.warning("%s is computed anew: %s", path, error)
        return None
    if not whole:
        log.warning("%s is computed anew: its checksum does not fit.", path)
    return tensors if whole else None


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    hashed = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        hashed.update(name.encode())
        hashed.update(_bytes(tensor))
    return hashed.hexdigest()


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.contiguous().flatten().view(torch.uint8).numpy().data
