"""Feature maps: `[batch, channels, height, width]`, and the windows that slide over them."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.layers.padding import emitted, pads
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError


def check_map(block: Block, signal: Signal) -> None:
    """Raise a BlockError unless `signal` is a feature map."""
    if not isinstance(signal, Tensor) or signal.dim() != 4:
        raise BlockError(
            f"`{block.name}` wants feature maps of N×channels×height×width, found {found(signal)}. "
            "Reshape the input, for instance by a ReshapeLayer."
        )


def check_room(block: Any, signal: Tensor) -> None:
    """Raise a BlockError if the window of `block` does not fit into `signal`."""
    size = (signal.shape[2], signal.shape[3])
    pad = pads(block.padding, size, block.ksize, block.strides)
    if min(emitted(s, k, n, p) for s, k, n, p in zip(size, block.ksize, block.strides, pad, strict=True)) < 1:
        raise BlockError(
            f"The window of `{block.name}`, {block.ksize[0]}×{block.ksize[1]}, does not fit into maps of "
            f'{size[0]}×{size[1]}. Take a smaller `ksize`, or padding="SAME".'
        )


def windows(block: Any) -> str:
    """Window, strides and padding in a few words."""
    (height, width), (down, right) = block.ksize, block.strides
    strides = "" if down == right == 1 else f" / {down}" if down == right else f" / {down}×{right}"
    return f"{height}×{width}{strides} {block.padding}"
