"""What a run was made with: the versions of what computes, and which data it learned."""

from __future__ import annotations

import hashlib
import logging
import platform
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from akidlab.kids.kid import Kid

log = logging.getLogger(__name__)

PACKAGES = ("akidlab", "torch", "numpy")
ROWS = 32  # samples that the fingerprint of a part is made of


def facts(kid: Kid) -> dict[str, Any]:
    """The versions and the data of a kid that practises, in plain values: no paths, no samples.

    Example:
        >>> from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
        >>> from akidlab.models.brains import OneLayerBrain
        >>> facts(Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu()))["data"]["train"][:4]
        '1437'
    """
    more = {"horovod": _version("horovod")} if "horovod" in kid.engine_name.lower() else {}
    modes = ("train",) if kid.skip_validation else ("train", "val")  # what it reads anyway
    source = getattr(kid.sensor, "source", None)  # a sensor of one's own may have none
    try:
        found = {} if source is None else data(source, modes)
    except Exception as error:  # a source of one's own may fail to tell; it is learned from all the same
        log.warning("What is learned from cannot be told: %s: %s", type(error).__name__, error)
        found = {}
    return {"versions": {**versions(), **more}, "data": found}


@cache
def versions() -> dict[str, str]:
    """Those of Python, of akidlab and of what it computes with."""
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def data(source: Any, modes: Sequence[str] = ("train", "val")) -> dict[str, str]:
    """What tells one source from another: its name, and of each part the size and a fingerprint.

    The fingerprint is of some samples, evenly spread; of sources that read each sample from a disk, and of
    those that make them up, only the sizes are told.
    """
    found = {"name": f"{type(source).__name__} {source.name!r}"}
    for mode in modes:
        if size := source.size(mode):
            part = source.part(mode) if source.in_memory else ()
            dense = [one for one in part or () if isinstance(one, Tensor) and one.layout == torch.strided]
            found[mode] = f"{size}, {_fingerprint(dense)}" if dense else f"{size}"
    return found


def _fingerprint(part: Sequence[Tensor]) -> str:
    digest = hashlib.sha256()
    for tensor in part:
        count = len(tensor)
        rows = torch.arange(ROWS) * max(1, count - 1) // max(1, ROWS - 1)
        some = tensor.index_select(0, rows.clamp(max=count - 1).to(tensor.device)).cpu().contiguous()
        digest.update(f"{some.dtype}:{tuple(tensor.shape)}".encode())
        digest.update(some.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:12]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
