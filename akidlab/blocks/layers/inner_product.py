"""Inner products: all that a sample holds, times weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.layers.maps import check_map
from akidlab.blocks.layers.synapse import SynapseLayer
from akidlab.blocks.signal import Signal, found
from akidlab.blocks.topdown import check_emitted, given
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class InnerProductLayer(SynapseLayer):
    """All that a sample holds, times weights `[out, in]`, plus biases.

    Args:
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).

    Example:
        >>> InnerProductLayer(out_channel_num=10, name="ip1")(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 10])
    """

    NAME = "ip"

    def forward(self, signal: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch outputs"]:
        if signal.dim() != 2:
            signal = signal.flatten(1)
        return F.linear(signal, self.weight, self.bias)

    def backward(self, signal: Float[Tensor, "batch outputs"]) -> Float[Tensor, "batch ..."]:
        """`signal` without the biases, times the weights transposed, in the shape of the last input.

        Raises:
            BlockError: if there was no pass forward, or `signal` is shaped unlike its value.
        """
        check_emitted(self, signal, (self._emitted(),))
        value = (signal if self.bias is None else signal - self.bias) @ self.weight
        return value.reshape(len(value), *given(self)[1:])

    def _given(self, signal: Signal) -> int:
        return signal[0].numel()

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, Tensor) or signal.dim() < 2:
            raise BlockError(f"`{self.name}` wants a tensor of N×numbers, found {found(signal)}.")
        self._check_kind(signal)
        numbers = signal.shape[1:].numel()
        if self.in_channel_num not in (None, numbers):
            raise self._contradicts(signal, numbers, "numbers per sample")

    def _guess(self, signals: list[Signal], batch: int) -> Signal:
        return torch.zeros(batch, self._emitted())

    def extra_repr(self) -> str:
        return f"{self.in_channel_num or '?'} → {self.out_channel_num}"


class InvariantInnerProductLayer(InnerProductLayer):
    """The largest value of each channel, wherever it lies, times weights `[out, channels]`, plus biases.

    Moving what a map shows does not change the result.

    Args:
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).

    Example:
        >>> layer = InvariantInnerProductLayer(out_channel_num=10)
        >>> layer(torch.zeros(2, 8, 5, 5)).shape, layer.weight.shape
        (torch.Size([2, 10]), torch.Size([10, 8]))
    """

    NAME = "invariant_ip"

    def forward(self, signal: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch outputs"]:
        return F.linear(signal.amax(dim=(2, 3)), self.weight, self.bias)

    def backward(self, signal: Tensor) -> Tensor:
        return Block.backward(self, signal)  # where the largest values lay is forgotten

    def _given(self, signal: Signal) -> int:
        return signal.shape[1]

    def _check(self, signal: Signal) -> None:
        check_map(self, signal)
        self._check_kind(signal)
        if self.in_channel_num not in (None, signal.shape[1]):
            raise self._contradicts(signal, signal.shape[1], "channels")


class FixedWeightInnerProductLayer(Block):
    """All that a sample holds, times weights that do not learn.

    Args:
        weights: `[out, in]`, an array or a tensor; saved with the brain, but no parameters.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Raises:
        BlockError: if they are not a matrix of numbers.

    Example:
        >>> FixedWeightInnerProductLayer(weights=[[1.0, -1.0]])(torch.tensor([[3.0, 1.0]]))
        tensor([[2.]])
    """

    NAME = "fixed_ip"
    weight: Tensor

    def __init__(self, weights: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        matrix = torch.as_tensor(weights).detach().clone()
        if matrix.dim() != 2:
            raise BlockError(f"`weights` of `{self.name}` is a matrix [out, in], found {found(matrix)}.")
        self.register_buffer("weight", matrix if matrix.is_floating_point() else matrix.float())

    @property
    def weights(self) -> Tensor:
        """akid's name for `weight`."""
        return self.weight

    def forward(self, signal: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch outputs"]:
        return F.linear(signal.flatten(1), self.weight)

    def _check(self, signal: Signal) -> None:
        wanted = self.weight.shape[1]
        if not isinstance(signal, Tensor) or signal.dim() < 2 or signal.shape[1:].numel() != wanted:
            raise BlockError(
                f"`{self.name}` wants {wanted} numbers per sample, found {found(signal)}. Its `weights` are "
                f"[out, in]: {found(self.weight)}."
            )

    def extra_repr(self) -> str:
        return f"{self.weight.shape[1]} → {self.weight.shape[0]}, fixed"
