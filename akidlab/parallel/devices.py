"""Devices by the names that people write."""

from __future__ import annotations

import re

import torch

from akidlab.errors import DataError

_NAME = re.compile(r"/?(?:device:)?(?P<kind>[a-z]+)(?::(?P<index>\d+))?", re.IGNORECASE)


def device(name: str | int | torch.device) -> torch.device:
    """The device meant by a name, such as akid's `"/gpu:0"`; in a `with`, tensors are made there.

    Args:
        name: `"/gpu:1"`, `"cuda:1"`, `"cpu"`, the number of a GPU, or a device.

    Raises:
        DataError: if there is no such device.

    Example:
        >>> device("/cpu:0")
        device(type='cpu')
    """
    if isinstance(name, bool) or not isinstance(name, (str, int, torch.device)):
        raise DataError(f'A device is a name such as "/gpu:0" or "cpu", or a number, found {name!r}.')
    found = (
        name if isinstance(name, torch.device) else _read(f"cuda:{name}" if isinstance(name, int) else name)
    )
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise DataError(
            f"There is no GPU {found.index or 0} here: torch sees {torch.cuda.device_count()} GPUs. "
            'Name one that is there, or work on "cpu".'
        )
    return found


def _read(name: str) -> torch.device:
    match = _NAME.fullmatch(name.strip())
    if match is None:
        raise DataError(f'A device is a name such as "/gpu:0" or "cpu", found {name!r}.')
    kind = {"gpu": "cuda"}.get(match["kind"].lower(), match["kind"].lower())
    if kind == "cpu":
        return torch.device("cpu")
    try:
        return torch.device(kind, int(match["index"] or 0))
    except RuntimeError as error:
        raise DataError(f'A device is a name such as "/gpu:0" or "cpu", found {name!r}.') from error
