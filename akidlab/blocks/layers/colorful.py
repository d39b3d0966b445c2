"""Convolutions that see shape and colour apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from akidlab.blocks import initializer
from akidlab.blocks.initializer import Initializer
from akidlab.blocks.layers.padding import Padding, pads
from akidlab.blocks.layers.standardizing import StandardizingLayer
from akidlab.blocks.layers.synapse import Sizes
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class ColorfulConvLayer(StandardizingLayer):
    """A convolution of feature maps, to which each colour of a colour map adds what it looks like.

    It is given `[feature maps, colour map]` of the same height and width, the colour map with one channel
    for each colour. Every colour goes through the same filters, `color_weight` `[out, 1, height, width]`,
    and is added to the convolution of the feature maps; the colour that gives the most is emitted.
    Exchanging colours changes nothing then; with `equivariant` it exchanges their groups of channels.

    Args:
        ksize: of the window, as in ConvolutionLayer.
        strides: written the same way.
        padding: as in ConvolutionLayer.
        c_W_initializer: how the filters of colours start.
        equivariant: emit the channels of all colours, one colour after the other.
        same_ksize: colours are seen through a window of `ksize`; else only at its centre.
        use_bn: normalise over batch and colours, without scale and shift, before the biases are added.
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).

    Example:
        >>> layer = ColorfulConvLayer(3, out_channel_num=8)
        >>> layer(torch.randn(2, 16, 5, 5), torch.randn(2, 3, 5, 5)).shape
        torch.Size([2, 8, 5, 5])
    """

    NAME = "colorful"
    SETTLED = ("standardizes",)
    WEIGHTS = ("weight", "color_weight")
    color_weight: nn.Parameter

    def __init__(
        self,
        ksize: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Padding = "SAME",
        *,
        c_W_initializer: Mapping[str, Any] | str | None = None,
        equivariant: bool = False,
        same_ksize: bool = False,
        use_bn: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(ksize, strides, padding, standardizes=use_bn, **kwargs)
        self.color_initializer = initializer.get(c_W_initializer or {"name": "uniform_unit_scaling"})
        self.equivariant, self.same_ksize = equivariant, same_ksize

    def forward(
        self, signal: list[Float[Tensor, "batch channels height width"]]
    ) -> Float[Tensor, "batch outputs rows columns"]:
        maps, colors = signal
        padded, pad = self._padded(maps)
        shapes = torch.conv2d(padded, self.weight, None, self.strides, pad)
        looks = torch.conv2d(self._apart(colors), self.color_weight, None, self.strides)
        value = shapes.unsqueeze(1) + looks.unflatten(0, (len(colors), -1))
        if self.standardizes:
            value = self._standardized(value.flatten(0, 1)).unflatten(0, value.shape[:2])
        if self.bias is not None:
            value = value + self.bias[:, None, None]
        return value.flatten(1, 2) if self.equivariant else value.amax(dim=1)

    def _apart(self, colors: Tensor) -> Tensor:
        """Each colour as a sample of its own, cut so that the windows lie where those of the maps do."""
        size = (colors.shape[2], colors.shape[3])
        rim = []
        for (before, after), k in zip(
            pads(self.padding, size, self.ksize, self.strides), self.ksize, strict=True
        ):
            half = 0 if self.same_ksize else (k - 1) // 2
            rim.append((before - half, after - (0 if self.same_ksize else k - 1 - half)))
        return F.pad(colors.flatten(0, 1).unsqueeze(1), (*rim[1], *rim[0]))

    def _shapes(self) -> tuple[Sizes, ...]:
        window = self.ksize if self.same_ksize else (1, 1)
        return (self.out_channel_num, self.in_channel_num, *self.ksize), (self.out_channel_num, 1, *window)

    def _starts(self, name: str) -> Initializer:
        return self.initializer if name == "weight" else self.color_initializer

    def _given(self, signal: Signal) -> int:
        return signal[0].shape[1]

    def _check(self, signal: Signal) -> None:
        maps = signal if isinstance(signal, list) else [signal]
        if len(maps) != 2 or not all(isinstance(m, Tensor) and m.dim() == 4 for m in maps):
            raise BlockError(
                f"`{self.name}` wants [feature maps, colour map], each of N×channels×height×width, "
                f"found {found(signal)}. Name both in its `inputs`."
            )
        if maps[0].shape[::2] != maps[1].shape[::2] or maps[0].shape[3] != maps[1].shape[3]:
            raise BlockError(
                f"`{self.name}` wants feature maps and a colour map of one size, found {found(signal)}. "
                "Bring the colour map to that size, for instance by an average pooling."
            )
        for part in maps:
            self._check_kind(part)
        super()._check(maps[0])
