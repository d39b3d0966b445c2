"""Convolutions over feature maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.maps import check_map, check_room, windows
from akidlab.blocks.padding import Padding, pads, pair
from akidlab.blocks.padding import padding as read_padding
from akidlab.blocks.signal import Signal
from akidlab.blocks.synapse import SynapseLayer

if TYPE_CHECKING:
    from jaxtyping import Float


class ConvolutionLayer(SynapseLayer):
    """A convolution over `[batch, channels, height, width]`, with weights `[out, in, height, width]`.

    Args:
        ksize: of the window, as 5, [5, 5] or [1, 5, 5, 1].
        strides: written the same way.
        padding: `"SAME"` and `"VALID"` as TensorFlow computes them, or a number of pixels.

    Example:
        >>> conv = ConvolutionLayer(ksize=[5, 5], strides=[1, 2, 2, 1], padding="SAME", out_channel_num=32)
        >>> conv(torch.zeros(1, 1, 28, 28)).shape
        torch.Size([1, 32, 14, 14])
    """

    NAME = "conv"

    def __init__(
        self,
        ksize: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Padding = "SAME",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ksize, self.strides = pair(ksize, "ksize"), pair(strides, "strides")
        self.padding = read_padding(padding)

    def forward(
        self, signal: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outputs rows columns"]:
        height, width = signal.shape[-2:]
        top, left = pads(self.padding, (height, width), self.ksize, self.strides)
        if top[0] == top[1] and left[0] == left[1]:
            return F.conv2d(signal, self.weight, self.bias, self.strides, (top[0], left[0]))
        return F.conv2d(F.pad(signal, (*left, *top)), self.weight, self.bias, self.strides)

    def _kernel(self) -> tuple[int, ...]:
        return self.ksize

    def _given(self, signal: Tensor) -> int:
        return signal.shape[1]

    def _check(self, signal: Signal) -> None:
        check_map(self, signal)
        self._check_kind(signal)
        if self.in_channel_num not in (None, signal.shape[1]):
            raise self._contradicts(signal, signal.shape[1], "channels")
        check_room(self, signal)

    def extra_repr(self) -> str:
        return f"{self.in_channel_num or '?'} → {self.out_channel_num}, {windows(self)}"
