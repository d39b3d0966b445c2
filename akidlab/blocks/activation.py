"""Activations."""

from __future__ import annotations

import torch
from torch import Tensor

from akidlab.blocks.block import Block


class ReLULayer(Block):
    """What is positive, and zero for the rest.

    Example:
        >>> ReLULayer()(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """

    NAME = "relu"

    def forward(self, signal: Tensor) -> Tensor:
        return torch.relu(signal)
