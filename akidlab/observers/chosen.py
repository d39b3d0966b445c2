"""What was chosen to be looked at: blocks by their names, samples by their places or as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from akidlab.errors import DataError, KindError, unknown


def chosen(noun: str, names: Any, known: Mapping[str, object]) -> list[str]:
    """The names that were chosen of those that are known: all for None, one for a text.

    Raises:
        KindError: if these are no names.
        UnknownNameError: if nothing carries one of them.

    Example:
        >>> chosen("block", "conv1", {"conv1": 1, "relu1": 2}), chosen("block", None, {"conv1": 1})
        (['conv1'], ['conv1'])
    """
    if names is None:
        return list(known)
    found = [names] if isinstance(names, str) else list(names) if isinstance(names, Iterable) else [names]
    for name in found:
        if not isinstance(name, str):
            raise KindError(
                f"A {noun} is chosen by its name, several by a list of names, found {names!r:.60}. "
                f"Known: {', '.join(known) or 'none'}."
            )
        if name not in known:
            raise unknown(noun, name, known)
    return found


def are_names(value: object) -> bool:
    """True for a text, and for a list of some.

    Example:
        >>> are_names("conv1"), are_names(["conv1", "relu1"]), are_names([]), are_names([0.5])
        (True, True, False, False)
    """
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(name, str) for name in value)
    return isinstance(value, str)


def is_place(value: object) -> bool:
    """True for a whole number, of Python's or of numpy's."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def place_of(wanted: Any, count: int) -> int:
    """Which of `count` samples is meant; below zero it is counted from the last, as in Python.

    Raises:
        KindError: if this is no whole number.
        DataError: if there is no such sample.

    Example:
        >>> place_of(0, 10), place_of(-1, 10)
        (0, 9)
    """
    if not is_place(wanted):
        raise KindError(
            f"A sample is chosen by its index, a whole number of 0 to {count - 1}, found {wanted!r:.60}."
        )
    if not -count <= wanted < count:
        raise DataError(f"There are {count} samples to look at, 0 to {count - 1}; found {wanted}.")
    return int(wanted) % count


def tensor_of(noun: str, value: Any, shape: str, dimensions: int) -> Tensor:
    """Numbers of at least so many dimensions.

    Raises:
        KindError: if these are no numbers.
        DataError: if they have fewer dimensions.
    """
    try:
        found = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise KindError(f"{noun} an array or a tensor, {shape}, found {value!r:.60}: {error}.") from error
    if found.dim() < dimensions:
        raise DataError(f"{noun} {shape}, found the shape {tuple(found.shape)}.")
    return found
