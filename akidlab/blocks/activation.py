"""Activations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.blocks.block import Block

if TYPE_CHECKING:
    from jaxtyping import Float


class ReLULayer(Block):
    """What is positive, and zero for the rest.

    Example:
        >>> ReLULayer()(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """

    NAME = "relu"

    def forward(self, signal: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        return torch.relu(signal)
