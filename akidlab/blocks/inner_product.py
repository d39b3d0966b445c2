"""Inner products: all that a sample holds, times weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.signal import Signal, found
from akidlab.blocks.synapse import SynapseLayer
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class InnerProductLayer(SynapseLayer):
    """All that a sample holds, times weights `[out, in]`, plus biases.

    Example:
        >>> InnerProductLayer(out_channel_num=10, name="ip1")(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 10])
    """

    NAME = "ip"

    def forward(self, signal: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch outputs"]:
        if signal.dim() != 2:
            signal = signal.flatten(1)
        return F.linear(signal, self.weight, self.bias)

    def _given(self, signal: Tensor) -> int:
        return signal[0].numel()

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, Tensor) or signal.dim() < 2:
            raise BlockError(f"`{self.name}` wants a tensor of N×numbers, found {found(signal)}.")
        self._check_kind(signal)
        given = signal.shape[1:].numel()
        if self.in_channel_num not in (None, given):
            raise self._contradicts(signal, given, "numbers per sample")

    def _guess(self, signals: list[Signal], batch: int) -> Signal:
        return torch.zeros(batch, self._emitted())

    def extra_repr(self) -> str:
        return f"{self.in_channel_num or '?'} → {self.out_channel_num}"
