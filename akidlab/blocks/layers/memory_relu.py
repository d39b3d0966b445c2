"""A ReLU with a memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.blocks.layers.activation import ActivationLayer
from akidlab.blocks.layers.memory import MemoryLayer
from akidlab.blocks.signal import Signal

if TYPE_CHECKING:
    from jaxtyping import Float


class MemoryReLULayer(MemoryLayer, ActivationLayer):
    """A ReLU that can hold on to what it lets through: numbers then pass, or not, as remembered.

    Args:
        keep_memory: hold the pattern of the first pass.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> relu = MemoryReLULayer()
        >>> relu(torch.tensor([[1.0, -1.0]]))
        tensor([[1., 0.]])
        >>> relu.set_state(True)
        >>> relu(torch.tensor([[-5.0, 5.0], [2.0, 2.0]]))
        tensor([[-5.,  0.],
                [ 2.,  0.]])
    """

    NAME = "relu"

    def forward(self, signal: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        held = self._held(signal)
        if held is not None:
            return torch.where(held, signal, 0)
        self._remember(signal > 0, signal)
        return torch.relu(signal)

    def backward(self, signal: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """Top-down: what comes back, where the pattern lets it through.

        Raises:
            BlockError: if there was no pass, or its value had another shape.
        """
        self._fired(signal)
        assert self.memory is not None
        return torch.where(self.memory, signal, 0)

    def _check(self, signal: Signal) -> None:
        super()._check(signal)
        self._held(signal)
