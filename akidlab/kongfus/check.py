"""Numbers that a user gives: checked where they enter."""

from __future__ import annotations

import math
from numbers import Real

from akidlab.errors import DataError


def at_least_zero(name: str, value: object, *, below: float = math.inf) -> float:
    """`value`, if it is a number from 0 up to, but not, `below`.

    Raises:
        DataError: if it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < below:
        limit = "of 0 or more" if below == math.inf else f"from 0 up to, but not, {below:g}"
        raise DataError(f"`{name}` must be a number {limit}, found {value!r}.")
    return float(value)


def positive(name: str, value: object) -> float:
    """`value`, if it is a number above 0.

    Raises:
        DataError: if it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < math.inf:
        raise DataError(f"`{name}` must be a number of more than 0, found {value!r}.")
    return float(value)
