"""Transfer: numbers that lie on a device, brought to the host together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from akidlab.errors import MetricError


def to_host(values: Sequence[object], teller: object = None) -> list[float]:
    """`values` as numbers, with one transfer for all that lie on a device as one type.

    Args:
        values: numbers, and tensors of one element.
        teller: what computed them, to be named in an error.

    Raises:
        MetricError: if one of them is more than a number.

    Example:
        >>> to_host([torch.tensor(1.5), 2, torch.tensor([True])])
        [1.5, 2.0, 1.0]
    """
    found = [0.0 if isinstance(value, Tensor) else _number(value, teller) for value in values]
    places: dict[tuple[torch.device, torch.dtype], list[int]] = {}
    for place, value in enumerate(values):
        if isinstance(value, Tensor):
            places.setdefault((value.device, value.dtype), []).append(place)
    for together in places.values():
        numbers = torch.stack([_single(values[place], teller) for place in together]).tolist()
        for place, number in zip(together, numbers, strict=True):
            found[place] = float(number)
    return found


def _single(value: object, teller: object) -> Tensor:
    assert isinstance(value, Tensor)
    if value.numel() != 1:
        raise MetricError(f"{_name(teller)} is to compute one number, found a tensor {tuple(value.shape)}.")
    return value.detach().reshape(())


def _number(value: object, teller: object) -> float:
    if isinstance(value, (int, float)):
        return float(value)
    raise MetricError(f"{_name(teller)} is to compute one number, found a {type(value).__name__}.")


def _name(teller: object) -> str:
    return "A metric" if teller is None else type(teller).__name__
