"""Projections that treat all elements of a group alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from akidlab.blocks.layers.maps import check_map
from akidlab.blocks.layers.padding import pair
from akidlab.blocks.layers.synapse import SynapseLayer
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class EquivariantProjectionLayer(SynapseLayer):
    """One convolution of 1×1, applied to the channels of each element of a group by itself.

    Channels come group element after group element: `g_size · in` are given and `g_size · out` emitted.
    Exchanging elements of what is given exchanges the same elements of what is emitted.

    Args:
        g_size: how many elements the group has.
        strides: of the convolution, as 2, [2, 2] or [1, 2, 2, 1].
        in_channel_num: how many channels an element is given; None takes it from the first input.
        out_channel_num: how many channels an element emits.
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).

    Example:
        >>> EquivariantProjectionLayer(g_size=3, out_channel_num=8)(torch.zeros(1, 6, 5, 5)).shape
        torch.Size([1, 24, 5, 5])
    """

    NAME = "equivariant"

    def __init__(self, g_size: int, strides: int | Sequence[int] = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(g_size, int) or g_size < 1:
            raise BlockError(f"`g_size` of `{self.name}` is a number of 1 or more, found {g_size!r}.")
        self.g_size, self.strides = g_size, pair(strides, "strides")

    def forward(
        self, signal: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outputs rows columns"]:
        apart = signal.unflatten(1, (self.g_size, -1)).flatten(0, 1)
        value = torch.conv2d(apart, self.weight, self.bias, self.strides)
        return value.unflatten(0, (-1, self.g_size)).flatten(1, 2)

    def _kernel(self) -> tuple[int, ...]:
        return (1, 1)

    def _given(self, signal: Signal) -> int:
        return signal.shape[1] // self.g_size

    def _check(self, signal: Signal) -> None:
        check_map(self, signal)
        self._check_kind(signal)
        if signal.shape[1] % self.g_size:
            raise BlockError(
                f"`{self.name}` wants channels for each of {self.g_size} elements of a group, found "
                f"{signal.shape[1]} channels in an input of {found(signal)}. Correct `g_size`."
            )
        if self.in_channel_num not in (None, self._given(signal)):
            raise self._contradicts(signal, self._given(signal), "channels per element")

    def extra_repr(self) -> str:
        return f"{self.in_channel_num or '?'} → {self.out_channel_num}, {self.g_size} times"
