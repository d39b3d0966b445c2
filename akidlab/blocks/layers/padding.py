"""Padding: TensorFlow's SAME and VALID, and window sizes written as one, two or four numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from akidlab.errors import BlockError, unknown

Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = "str | int | Sequence[int]"


def pair(value: object, what: str) -> Pair:
    """Height and width out of `5`, `[5, 5]` or TensorFlow's `[1, 5, 5, 1]`.

    Raises:
        BlockError: if it is none of these.
    """
    if isinstance(value, int):
        value = (value, value)
    if isinstance(value, Sequence) and len(value) == 4 and value[0] == value[3] == 1:
        value = value[1:3]
    if isinstance(value, Sequence) and len(value) == 2 and all(isinstance(v, int) and v > 0 for v in value):
        return value[0], value[1]
    raise BlockError(f"`{what}` is written as 5, [5, 5] or [1, 5, 5, 1], found {value!r}.")


def padding(value: object) -> str | Pair:
    """`"SAME"`, `"VALID"`, or so many pixels on each side.

    Raises:
        UnknownNameError: if it is another word.
        BlockError: if it is neither a word nor a number or two.
    """
    if isinstance(value, str):
        if value.upper() not in ("SAME", "VALID"):
            raise unknown("padding", value, ("SAME", "VALID"))
        return value.upper()
    if isinstance(value, int):
        value = (value, value)
    if isinstance(value, Sequence) and len(value) == 2 and all(isinstance(v, int) and v >= 0 for v in value):
        return value[0], value[1]
    raise BlockError(f'`padding` is "SAME", "VALID" or a number of pixels, found {value!r}.')


def same(size: int, window: int, stride: int) -> Pair:
    """How many pixels TensorFlow's SAME adds before and after `size`; an odd one goes after.

    Example:
        >>> same(14, 5, 2), same(28, 5, 1), same(28, 2, 2)
        ((1, 2), (2, 2), (0, 0))
    """
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def pads(kind: str | Pair, size: Pair, window: Pair, strides: Pair) -> tuple[Pair, Pair]:
    """Pixels added before and after, for height and width."""
    if kind == "SAME":
        return same(size[0], window[0], strides[0]), same(size[1], window[1], strides[1])
    if isinstance(kind, str):
        return (0, 0), (0, 0)
    return (kind[0], kind[0]), (kind[1], kind[1])


def emitted(size: int, window: int, stride: int, pad: Pair) -> int:
    """How many windows fit."""
    return (size + sum(pad) - window) // stride + 1
