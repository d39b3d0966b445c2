"""Local response normalisation: a channel competes with its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.layers.channels import check_channels, whole_number
from akidlab.blocks.signal import Signal

if TYPE_CHECKING:
    from jaxtyping import Float


class LRNLayer(Block):
    """Each number over a power of the squares of its channel and of its neighbours at the same position.

    x_c / (bias + alpha * sum of x_d^2 over |c - d| <= depth_radius)^beta, as TensorFlow defines it; what
    torch calls `alpha` is this one times the number of channels in the window.

    Source: Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012.

    Args:
        depth_radius: how many neighbours count on each side.
        bias: keeps the divisor away from zero.
        alpha: how much the squares count.
        beta: the power.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> LRNLayer(depth_radius=1, bias=0, alpha=1, beta=0.5)(torch.tensor([[[3.0], [4.0]]]))
        tensor([[[0.6000],
                 [0.8000]]])
    """

    NAME = "lrn"

    def __init__(
        self,
        depth_radius: int = 4,
        bias: float = 1.0,
        alpha: float = 0.001 / 9,
        beta: float = 0.75,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.depth_radius = whole_number(self, "depth_radius", depth_radius)
        self.bias, self.alpha, self.beta = bias, alpha, beta

    def forward(self, signal: Float[Tensor, "batch channels ..."]) -> Float[Tensor, "batch channels ..."]:
        radius = self.depth_radius
        border = [0, 0] * (signal.dim() - 2) + [radius, radius]
        # Windows that are views: a third of the time of torch's own, which pools in three dimensions.
        squares = F.pad(signal.square(), border).unfold(1, 2 * radius + 1, 1).sum(-1)
        return signal * (self.bias + self.alpha * squares).pow(-self.beta)

    def _check(self, signal: Signal) -> None:
        check_channels(self, signal)

    def extra_repr(self) -> str:
        return f"{self.depth_radius} neighbours, alpha {self.alpha:.3g}, beta {self.beta:g}"
