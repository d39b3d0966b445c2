"""Arrangement: how torch is asked for a pooling, so that padding comes out as TensorFlow's."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.layers.padding import Pair, emitted, pads
from akidlab.errors import BlockError


class Arrangement(NamedTuple):
    """What torch's pooling is told.

    Args:
        pad: pixels on both sides.
        ceil: whether sizes are rounded up.
        apart: what is padded beforehand, as `F.pad` takes it; None for nothing.
    """

    pad: Pair
    ceil: bool
    apart: tuple[int, int, int, int] | None


def arranged(kind: str | Pair, size: Pair, window: Pair, strides: Pair) -> Arrangement:
    """The arrangement for maps of `size`.

    torch pads both sides alike. One pixel more at the bottom or right is what rounding up adds, without
    a copy of the signal; where that does not come out right, padding is done beforehand.
    """
    if kind == "VALID":
        return Arrangement((0, 0), False, None)
    if not isinstance(kind, str):
        return Arrangement(kind, False, None)
    both = pads(kind, size, window, strides)
    wanted = [emitted(*args) for args in zip(size, window, strides, both, strict=True)]
    before = (both[0][0], both[1][0])
    for ceil in (False, True):
        if [_torch_size(*args, ceil) for args in zip(size, window, strides, before, strict=True)] == wanted:
            return Arrangement(before, ceil, None)
    return Arrangement((0, 0), False, (*both[1], *both[0]))


def located(signal: Tensor, window: Pair, strides: Pair, how: Arrangement) -> tuple[Tensor, Tensor]:
    """The largest of each window, and where in its map (row by row) it was found."""
    if how.apart is None:
        return F.max_pool2d(signal, window, strides, how.pad, ceil_mode=how.ceil, return_indices=True)  # type: ignore[return-value]
    left, _, top, _ = how.apart
    padded = F.pad(signal, how.apart, value=float("-inf"))
    value, at = F.max_pool2d(padded, window, strides, return_indices=True)
    height, width = signal.shape[-2:]
    row = (at // padded.shape[-1] - top).clamp(0, height - 1)
    column = (at % padded.shape[-1] - left).clamp(0, width - 1)
    return value, row * width + column


def put(value: Tensor, at: Tensor, size: Pair) -> Tensor:
    """Maps of `size` that hold each value where `at` says, the mean of several at one place, else zero."""
    blank = value.new_zeros(*value.shape[:2], size[0] * size[1])
    filled = blank.scatter_reduce(2, at.flatten(2), value.flatten(2), "mean", include_self=False)
    return filled.unflatten(2, size)


def check_overlap(block: Any) -> None:
    """Raise a BlockError if windows of `block` could lie in the padding alone."""
    pad, window = block.padding, block.ksize
    if not isinstance(pad, str) and any(2 * p > k for p, k in zip(pad, window, strict=True)):
        raise BlockError(
            f"`{block.name}` pads by {pad[0]}×{pad[1]}, more than half of its window, "
            f"{window[0]}×{window[1]}. Pad less, or take a larger `ksize`."
        )


def _torch_size(size: int, window: int, stride: int, pad: int, ceil: bool) -> int:
    room = size + 2 * pad - window
    count = (-(-room // stride) if ceil else room // stride) + 1
    # The last window begins inside, or in the padding before.
    return count - 1 if ceil and (count - 1) * stride >= size + pad else count
