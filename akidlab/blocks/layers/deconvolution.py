"""Transposed convolutions: small maps become larger ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.initializer import Fans
from akidlab.blocks.layers.maps import check_map
from akidlab.blocks.layers.padding import Pair, same
from akidlab.blocks.layers.sliding import SlidingLayer
from akidlab.blocks.layers.synapse import Sizes
from akidlab.blocks.signal import Signal
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class DeconvolutionLayer(SlidingLayer):
    """A transposed convolution, which undoes the strides of a convolution of the same measures.

    `"SAME"` emits maps of stride times the size, `"VALID"` of stride times the size and what of the window
    is wider than a stride, as TensorFlow does; a number of pixels is taken off each side. The weights are
    `[in, out, height, width]`, as torch's are.

    Args:
        ksize: of the window, as 5, [5, 5] or [1, 5, 5, 1].
        strides: written the same way.
        padding: of the convolution that it undoes.
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).

    Example:
        >>> up = DeconvolutionLayer(4, strides=2, out_channel_num=3)
        >>> up(torch.zeros(1, 8, 7, 7)).shape
        torch.Size([1, 3, 14, 14])
    """

    NAME = "deconv"
    OUTPUTS = 1

    def forward(
        self, signal: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outputs rows columns"]:
        off, lacking = self._rim()
        # torch takes as much off the end as off the start: an odd pixel more is cut off afterwards.
        pad = (off[0][0], off[1][0])
        value = F.conv_transpose2d(signal, self.weight, self.bias, self.strides, pad, lacking)
        rows, columns = (after - before for before, after in off)
        return value[..., : value.shape[-2] - rows, : value.shape[-1] - columns] if rows or columns else value

    def _rim(self) -> tuple[tuple[Pair, Pair], Pair]:
        """What is taken off before and after, for height and width; and what is added at the end."""
        (height, width), (down, right) = self.ksize, self.strides
        if isinstance(self.padding, tuple):
            rows, columns = self.padding
            return ((rows, rows), (columns, columns)), (0, 0)
        lacking = max(down - height, 0), max(right - width, 0)
        if self.padding == "VALID":
            return ((0, 0), (0, 0)), lacking
        return (same(down, height, down), same(right, width, right)), lacking

    def _kernel(self) -> tuple[int, ...]:
        return self.ksize

    def _shapes(self) -> tuple[Sizes, ...]:
        return ((self.in_channel_num, self.out_channel_num, *self.ksize),)

    def _fans(self, name: str, shape: tuple[int, ...]) -> Fans | None:
        # A pixel that is emitted lies in every window / strides of the windows.
        window, strides = self.ksize[0] * self.ksize[1], self.strides[0] * self.strides[1]
        return max(shape[0] * window // strides, 1), shape[1] * window

    def _learn_sizes(self, state: dict[str, Tensor]) -> None:
        self.in_channel_num = state["weight"].shape[0]

    def _check(self, signal: Signal) -> None:
        check_map(self, signal)
        self._check_kind(signal)
        if self.in_channel_num not in (None, signal.shape[1]):
            raise self._contradicts(signal, signal.shape[1], "channels")
        off, lacking = self._rim()
        sides = zip(signal.shape[2:], self.ksize, self.strides, off, lacking, strict=True)
        if min((size - 1) * n + k + more - sum(less) for size, k, n, less, more in sides) < 1:
            raise BlockError(f"`{self.name}` takes more off than there is. Take a smaller `padding`.")
