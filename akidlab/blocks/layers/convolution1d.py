"""Convolutions over sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.layers.padding import emitted, pads
from akidlab.blocks.layers.padding import padding as read_padding
from akidlab.blocks.layers.synapse import SynapseLayer
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class Convolution1DLayer(SynapseLayer):
    """A convolution over `[batch, channels, length]`, with weights `[out, in, ksize]`.

    Args:
        ksize: how long the window is.
        stride: how far it moves on.
        padding: how many zeros are added on each side, or `"SAME"` and `"VALID"` as TensorFlow computes them.
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).

    Example:
        >>> Convolution1DLayer(5, stride=2, padding="SAME", out_channel_num=8)(torch.zeros(1, 2, 20)).shape
        torch.Size([1, 8, 10])
    """

    NAME = "conv"

    def __init__(self, ksize: int, stride: int = 1, padding: int | str = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for what, value in (("ksize", ksize), ("stride", stride)):
            if not isinstance(value, int) or value < 1:
                raise BlockError(f"`{what}` of `{self.name}` is a number of 1 or more, found {value!r}.")
        self.ksize, self.stride = ksize, stride
        self.padding = read_padding(padding)

    def forward(
        self, signal: Float[Tensor, "batch channels length"]
    ) -> Float[Tensor, "batch outputs windows"]:
        before, after = self._pads(signal.shape[-1])
        if before != after:
            signal, before = F.pad(signal, (before, after)), 0
        return torch.conv1d(signal, self.weight, self.bias, self.stride, before)

    def _pads(self, length: int) -> tuple[int, int]:
        return pads(self.padding, (1, length), (1, self.ksize), (1, self.stride))[1]

    def _kernel(self) -> tuple[int, ...]:
        return (self.ksize,)

    def _given(self, signal: Signal) -> int:
        return signal.shape[1]

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, Tensor) or signal.dim() != 3:
            raise BlockError(f"`{self.name}` wants sequences of N×channels×length, found {found(signal)}.")
        self._check_kind(signal)
        if self.in_channel_num not in (None, signal.shape[1]):
            raise self._contradicts(signal, signal.shape[1], "channels")
        length = signal.shape[2]
        if emitted(length, self.ksize, self.stride, self._pads(length)) < 1:
            raise BlockError(
                f"The window of `{self.name}`, {self.ksize}, does not fit into a sequence of {length}. "
                'Take a smaller `ksize`, or padding="SAME".'
            )

    def extra_repr(self) -> str:
        stride = "" if self.stride == 1 else f" / {self.stride}"
        padding = self.padding if isinstance(self.padding, str) else self.padding[1]
        return f"{self.in_channel_num or '?'} → {self.out_channel_num}, {self.ksize}{stride} {padding}"
