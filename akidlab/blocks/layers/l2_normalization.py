"""L2 normalisation: vectors of length 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.kind import check_kind
from akidlab.blocks.layers.channels import check_channels
from akidlab.blocks.signal import Signal

if TYPE_CHECKING:
    from jaxtyping import Float


class L2NormalizationLayer(Block):
    """Each row divided by its length; of feature maps, the channels at each position.

    Args:
        eps: the least length to divide by, so that a row of zeros stays one.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> L2NormalizationLayer()(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
        tensor([[0.6000, 0.8000],
                [0.0000, 0.0000]])
    """

    NAME = "l2_norm"

    def __init__(self, *, eps: float = 1e-12, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.eps = eps

    def forward(self, signal: Float[Tensor, "batch channels ..."]) -> Float[Tensor, "batch channels ..."]:
        return F.normalize(signal, dim=1, eps=self.eps)

    def _check(self, signal: Signal) -> None:
        check_channels(self, signal)
        check_kind(self, signal)
