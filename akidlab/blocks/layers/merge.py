"""Merging: several signals become one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.signal import Signal, found, listed
from akidlab.errors import BlockError


class MergeLayer(Block):
    """The element-wise sum of its inputs, which stay as they are.

    Args:
        kwargs: more of `Block`, such as `name` and `inputs`.

    Raises:
        BlockError: if their shapes differ.

    Example:
        >>> import torch
        >>> MergeLayer()(torch.ones(2), torch.ones(2))
        tensor([2., 2.])
    """

    NAME = "merge"

    def forward(self, signal: Signal) -> Tensor:
        first, *others = listed(signal)
        total = first
        for other in others:
            if other.shape != first.shape:
                self._check(signal)
            total = total + other
        return total

    def _check(self, signal: Signal) -> None:
        if len({part.shape for part in listed(signal)}) > 1:
            raise BlockError(
                f"`{self.name}` wants inputs of one shape, found {found(signal)}{_sources(self)}. "
                "Bring them to one shape first, for instance by a convolution with ksize=1 on the shortcut."
            )

    def _guess(self, signals: list[Signal], batch: int) -> Signal:
        return next((signal for signal in signals if signal is not None), None)


class ConcatLayer(Block):
    """Its inputs side by side: the channels of the first, of the second, and so on.

    Args:
        dim: the dimension along which they are put together.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Raises:
        BlockError: if they differ in another dimension.

    Example:
        >>> import torch
        >>> ConcatLayer()(torch.zeros(2, 3), torch.zeros(2, 5)).shape
        torch.Size([2, 8])
    """

    NAME = "concat"

    def __init__(self, dim: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dim = dim

    def forward(self, signal: Signal) -> Tensor:
        return torch.cat(listed(signal), self.dim)

    def _check(self, signal: Signal) -> None:
        parts = listed(signal)
        if len({_without(part, self.dim) for part in parts}) > 1 or _without(parts[0], self.dim) is None:
            raise BlockError(
                f"`{self.name}` wants inputs that differ in dimension {self.dim} at most, found "
                f"{found(signal)}{_sources(self)}. Bring them to one size first, or correct `dim`."
            )

    def extra_repr(self) -> str:
        return f"along {self.dim}"


def _without(part: Tensor, dim: int) -> tuple[int, ...] | None:
    """The shape but for one dimension; None where that is not there."""
    if not -part.dim() <= dim < part.dim():
        return None
    return tuple(size for at, size in enumerate(part.shape) if at != dim % part.dim())


def _sources(block: Block) -> str:
    return f" (from {', '.join(map(str, block.inputs))})" if block.inputs else ""
