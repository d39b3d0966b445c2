"""A convolution that normalises itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from akidlab.blocks.layers.convolution import ConvolutionLayer
from akidlab.blocks.layers.padding import Padding
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class SelfNormalizedConvolutionLayer(ConvolutionLayer):
    """A convolution whose channels have mean 0 and variance 1 over the batch, before biases are added.

    The statistics are always those of the batch, in validation too: nothing is remembered, so that what a
    sample gives depends on the others of its batch.

    Args:
        ksize: of the window, as in ConvolutionLayer.
        strides: written the same way.
        padding: as in ConvolutionLayer.
        eps: added to the variance.
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).

    Example:
        >>> conv = SelfNormalizedConvolutionLayer(3, out_channel_num=4)
        >>> conv(torch.randn(8, 1, 6, 6)).std(dim=(0, 2, 3), unbiased=False).round(decimals=2)
        tensor([1., 1., 1., 1.], grad_fn=<RoundBackward1>)
    """

    NAME = "snconv"

    def __init__(
        self,
        ksize: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Padding = "SAME",
        *,
        eps: float = 1e-5,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("bn"):
            raise BlockError("A self-normalised convolution normalises already: leave out `bn`.")
        super().__init__(ksize, strides, padding, **kwargs)
        self.eps = eps

    def forward(
        self, signal: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outputs rows columns"]:
        value = self._convolve(signal, None)
        return torch.nn.functional.batch_norm(value, None, None, None, self.bias, True, 0.0, self.eps)

    def backward(self, signal: Tensor) -> Tensor:
        raise BlockError(f"`{self.name}` has no way back through its normalisation.")
