"""Convolutions over feature maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.layers.padding import Padding, emitted, pads
from akidlab.blocks.layers.standardizing import StandardizingLayer
from akidlab.blocks.layers.synapse import Sizes
from akidlab.blocks.signal import Signal
from akidlab.blocks.topdown import check_emitted, given
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class ConvolutionLayer(StandardizingLayer):
    """A convolution over `[batch, channels, height, width]`, with weights `[out, in, height, width]`.

    Args:
        ksize: of the window, as 5, [5, 5] or [1, 5, 5, 1].
        strides: written the same way.
        padding: `"SAME"` and `"VALID"` as TensorFlow computes them, or a number of pixels.
        out_channel_num: how many channels it emits; a depthwise one may leave it out to emit as many as
            it is given.
        depthwise: each channel is convolved alone, with weights `[out, 1, height, width]`; every channel
            given makes the same number of channels emitted, which follow each other.
        bn: normalise what is emitted over the batch, without scale and shift.
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).

    Example:
        >>> conv = ConvolutionLayer(ksize=[5, 5], strides=[1, 2, 2, 1], padding="SAME", out_channel_num=32)
        >>> conv(torch.zeros(1, 1, 28, 28)).shape
        torch.Size([1, 32, 14, 14])
        >>> ConvolutionLayer(3, depthwise=True)(torch.zeros(1, 8, 28, 28)).shape
        torch.Size([1, 8, 28, 28])
    """

    NAME = "conv"
    SETTLED = ("standardizes",)

    def __init__(
        self,
        ksize: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Padding = "SAME",
        *,
        out_channel_num: int | None = None,
        depthwise: bool = False,
        bn: bool = False,
        **kwargs: Any,
    ) -> None:
        free = depthwise and out_channel_num is None
        out = 1 if free else out_channel_num
        super().__init__(ksize, strides, padding, out_channel_num=out, standardizes=bn, **kwargs)
        if free:
            self.out_channel_num = self.in_channel_num
        self.depthwise = depthwise

    @property
    def fmap(self) -> Signal:
        """akid's name for the feature maps that it emitted last."""
        return self.data

    def forward(
        self, signal: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outputs rows columns"]:
        value = self._convolve(signal, self.bias)
        return self._standardized(value) if self.standardizes else value

    def _convolve(self, signal: Tensor, bias: Tensor | None) -> Tensor:
        groups = signal.shape[1] if self.depthwise else 1
        signal, pad = self._padded(signal)
        return torch.conv2d(signal, self.weight, bias, self.strides, pad, 1, groups)

    def backward(
        self, signal: Float[Tensor, "batch outputs rows columns"]
    ) -> Float[Tensor, "batch channels height width"]:
        """The transposed convolution of `signal`, once the biases are taken off it.

        Raises:
            BlockError: if there was no pass forward, `signal` is shaped unlike its value, or the layer
                normalises.
        """
        height, width = self._way_back(signal)
        size = (height, width)
        top, left = pads(self.padding, size, self.ksize, self.strides)
        if self.bias is not None:
            signal = signal - self.bias[:, None, None]
        full = [s + sum(pad) for s, pad in zip(size, (top, left), strict=True)]
        groups = given(self)[1] if self.depthwise else 1
        lacking = [(f - k) % n for f, k, n in zip(full, self.ksize, self.strides, strict=True)]
        value = F.conv_transpose2d(signal, self.weight, None, self.strides, 0, lacking, groups)
        return value[..., top[0] : top[0] + height, left[0] : left[0] + width]

    def _way_back(self, signal: Tensor) -> tuple[int, int]:
        if self.standardizes:
            raise BlockError(f"`{self.name}` has no way back through its batch normalisation.")
        size = given(self)[2], given(self)[3]
        pad = pads(self.padding, size, self.ksize, self.strides)
        maps = [emitted(*of) for of in zip(size, self.ksize, self.strides, pad, strict=True)]
        check_emitted(self, signal, (self._emitted(), *maps))
        return size

    # -- set-up

    def _shapes(self) -> tuple[Sizes, ...]:
        return ((self.out_channel_num, 1 if self.depthwise else self.in_channel_num, *self.ksize),)

    def _learn_sizes(self, state: dict[str, Tensor]) -> None:
        if self.depthwise:  # how many channels share them, only an input tells
            self.out_channel_num = state["weight"].shape[0]
        else:
            super()._learn_sizes(state)

    def _settle(self, channels: int) -> None:
        super()._settle(channels)
        if self.depthwise and self.out_channel_num is None:
            self.out_channel_num = channels

    def _check(self, signal: Signal) -> None:
        super()._check(signal)
        channels = signal.shape[1]
        if self.depthwise and (self.out_channel_num or channels) % channels:
            raise BlockError(
                f"`{self.name}` is depthwise, so `out_channel_num` is a multiple of the {channels} channels "
                f"that it is given, found {self.out_channel_num}. Leave it out to emit {channels}."
            )

    def extra_repr(self) -> str:
        extras = [", depthwise"] * self.depthwise + [", batch normalised"] * self.standardizes
        return super().extra_repr() + "".join(extras)
