"""Separable convolutions: first each channel by itself, then all channels at each place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from akidlab.blocks.layers.padding import Padding
from akidlab.blocks.layers.sliding import SlidingLayer
from akidlab.blocks.layers.synapse import Sizes
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class SeparableConvolutionLayer(SlidingLayer):
    """A depthwise convolution, then a convolution of 1×1 that adds the biases (Chollet 2017).

    It holds `depthwise_weight` `[in · multiplier, 1, height, width]` and `weight`
    `[out, in · multiplier, 1, 1]`.

    Args:
        ksize: of the window of the depthwise part, as 5, [5, 5] or [1, 5, 5, 1].
        strides: written the same way.
        padding: `"SAME"` and `"VALID"` as TensorFlow computes them, or a number of pixels.
        channel_multiplier: how many channels the depthwise part makes of each one.
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).

    Example:
        >>> layer = SeparableConvolutionLayer(3, strides=2, out_channel_num=16)
        >>> layer(torch.zeros(1, 8, 28, 28)).shape
        torch.Size([1, 16, 14, 14])
    """

    NAME = "sepconv"
    WEIGHTS = ("depthwise_weight", "weight")
    depthwise_weight: nn.Parameter

    def __init__(
        self,
        ksize: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Padding = "SAME",
        *,
        channel_multiplier: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(ksize, strides, padding, **kwargs)
        if not isinstance(channel_multiplier, int) or channel_multiplier < 1:
            raise BlockError(
                f"`channel_multiplier` of `{self.name}` is a number of 1 or more, "
                f"found {channel_multiplier!r}."
            )
        self.channel_multiplier = channel_multiplier

    def forward(
        self, signal: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outputs rows columns"]:
        groups = signal.shape[1]
        signal, pad = self._padded(signal)
        apart = torch.conv2d(signal, self.depthwise_weight, None, self.strides, pad, 1, groups)
        return torch.conv2d(apart, self.weight, self.bias)

    def _shapes(self) -> tuple[Sizes, ...]:
        given = self.in_channel_num
        between = None if given is None else given * self.channel_multiplier
        return (between, 1, *self.ksize), (self.out_channel_num, between, 1, 1)

    def _learn_sizes(self, state: dict[str, Tensor]) -> None:
        self.in_channel_num = state["depthwise_weight"].shape[0] // self.channel_multiplier
