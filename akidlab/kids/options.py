"""The options of a Kid: checked where they enter."""

from __future__ import annotations

import math
import reprlib
from numbers import Integral, Real
from typing import Any, TypeGuard

import torch
from torch import Tensor

from akidlab.errors import DataError, unknown

GUARDS = ("stop", "pause", "warn", "off")
PRECISIONS = {None: None, "fp32": None, "float32": None, "bf16": "bf16", "bfloat16": "bf16"}


def check_span(max_steps: int | None, max_epoch: float | None) -> None:
    """Steps or epochs say how long, not both; neither is known yet where somebody says so later.

    Raises:
        ValueError: if both are given, or one makes no sense.
    """
    if max_steps is not None and max_epoch is not None:
        raise ValueError("Give `max_steps` or `max_epoch`, not both.")
    if max_steps is not None and (not _is_whole(max_steps) or max_steps < 0):
        raise ValueError(f"`max_steps` must be a whole number of 0 or more, found {max_steps!r}.")
    if max_epoch is not None and (not _is_number(max_epoch) or not 0 <= max_epoch < math.inf):
        raise ValueError(f"`max_epoch` must be a number of 0 or more, found {max_epoch!r}.")


def check_counts(**counts: object) -> None:
    """Each is a whole number of 1 or more.

    Raises:
        ValueError: if one is not.
    """
    for name, value in counts.items():
        if not _is_whole(value) or value < 1:
            raise ValueError(f"`{name}` must be a whole number of 1 or more, found {value!r}.")


def whole(name: str, value: int) -> int:
    """`value`, if it is a whole number.

    Raises:
        ValueError: if it is not.
    """
    if not _is_whole(value):
        raise ValueError(f"`{name}` must be a whole number, found {value!r}.")
    return int(value)


def positive(name: str, value: float | None) -> float | None:
    """`value`, if it is None or above 0.

    Raises:
        ValueError: if it is not.
    """
    if value is not None and (not _is_number(value) or not value > 0):
        raise ValueError(f"`{name}` must be above 0, found {value!r}.")
    return value


def precision_of(name: str | None) -> str | None:
    """`bf16`, or None for torch's own precision.

    Raises:
        ValueError: if `name` is no precision.
    """
    if name not in PRECISIONS:
        raise ValueError(f"`precision` is None or `bf16`, found {name!r}.")
    return PRECISIONS[name]


def guard_of(name: str) -> str:
    """`name`, if it is something to do where a step cannot be made.

    Raises:
        UnknownNameError: if it is not.
    """
    if name not in GUARDS:
        raise unknown("guard", str(name), GUARDS)
    return name


def device_of(device: torch.device | str | None) -> torch.device | str | None:
    """`device`, if torch knows such a kind; whether it is there shows when it is worked with.

    Raises:
        ValueError: if torch does not.
    """
    try:
        _ = None if device is None else torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"`device` is None or a device of torch, such as `cpu` or `cuda:0`; found {device!r}."
        ) from error
    return device


def samples_of(data: Any) -> Tensor:
    """The samples in an array, or in akid's list `[data, labels]`.

    Raises:
        DataError: if there are none.
    """
    try:
        samples = torch.as_tensor(data[0] if isinstance(data, (list, tuple)) else data)
    except (TypeError, ValueError, RuntimeError, IndexError):
        samples = torch.tensor(0)
    if not samples.dim():
        raise DataError(f"`data` is an array of samples, or `[data, labels]`; found {reprlib.repr(data)}.")
    return samples.float() if samples.dtype == torch.float64 else samples


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, Integral) and not isinstance(value, bool)  # numpy's numbers, too


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)
