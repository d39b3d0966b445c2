"""Global pooling: one number out of each feature map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.layers.channels import check_channels
from akidlab.blocks.signal import Signal
from akidlab.errors import unknown

if TYPE_CHECKING:
    from jaxtyping import Float


class GlobalPoolingLayer(Block):
    """The mean or the largest of each channel, over all positions: `[batch, channels]`.

    Args:
        type: `avg` or `max`.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> GlobalPoolingLayer()(torch.zeros(2, 64, 7, 7)).shape
        torch.Size([2, 64])
    """

    NAME = "pool"

    def __init__(self, type: str = "avg", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if type not in ("avg", "max"):
            raise unknown("type of pooling", str(type), ("avg", "max"))
        self.kind = type  # `type` is a method of torch modules

    def forward(self, signal: Float[Tensor, "batch channels ..."]) -> Float[Tensor, "batch channels"]:
        positions = signal.flatten(2)
        return positions.mean(2) if self.kind == "avg" else positions.amax(2)

    def _check(self, signal: Signal) -> None:
        check_channels(self, signal, least=3)

    def extra_repr(self) -> str:
        return self.kind
