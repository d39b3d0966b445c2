"""Merging: several signals become one."""

from __future__ import annotations

from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.signal import Signal, found, listed
from akidlab.errors import BlockError


class MergeLayer(Block):
    """The element-wise sum of its inputs, which stay as they are.

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
            sources = f" (from {', '.join(map(str, self.inputs))})" if self.inputs else ""
            raise BlockError(
                f"`{self.name}` wants inputs of one shape, found {found(signal)}{sources}. "
                "Bring them to one shape first, for instance by a convolution with ksize=1 on the shortcut."
            )

    def _guess(self, signals: list[Signal], batch: int) -> Signal:
        return next((signal for signal in signals if signal is not None), None)
