"""Dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class DropoutLayer(Block):
    """In training, keeps each number with some probability and scales it up; in validation, keeps all.

    Args:
        keep_prob: the probability that a number is kept.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> DropoutLayer(keep_prob=0.8).eval()(torch.ones(2))
        tensor([1., 1.])
    """

    NAME = "dropout"

    def __init__(self, keep_prob: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(keep_prob, (int, float)) or not 0 < keep_prob <= 1:
            raise BlockError(
                "`keep_prob` is the probability that a number is kept, above 0 and at most 1, "
                f"found {keep_prob!r}."
            )
        self.keep_prob = keep_prob

    def forward(self, signal: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        return F.dropout(signal, 1 - self.keep_prob, self.training)

    def backward(self, signal: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Top-down: what comes back, as it is."""
        return signal

    def extra_repr(self) -> str:
        return f"keeps {self.keep_prob:g}"
