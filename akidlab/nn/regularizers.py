"""What weights cost: the functions behind weight decay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from akidlab.errors import unknown

if TYPE_CHECKING:
    from jaxtyping import Float

TYPES = ("l1", "l2")


def compute(type: str, weights: Float[Tensor, "..."], scale: float = 1.0) -> Float[Tensor, ""]:
    """`l2`: scale · Σw²/2; `l1`: scale · Σ|w|.

    Raises:
        UnknownNameError: if the type is neither.

    Example:
        >>> import torch
        >>> compute("l2", torch.tensor([1.0, 2.0]), 0.5)
        tensor(1.2500)
    """
    if type not in TYPES:
        raise unknown("type of weight decay", type, TYPES)
    cost = weights.square().sum() / 2 if type == "l2" else weights.abs().sum()
    return cost if scale == 1 else scale * cost
