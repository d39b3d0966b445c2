"""Embeddings: a row of weights for each word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.kind import kind_of
from akidlab.blocks.layers.synapse import Sizes, SynapseLayer
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float, Int


class EmbeddingLayer(SynapseLayer):
    """Looks up one row of weights `[num_embeddings, embedding_dim]` for each whole number it is given.

    Args:
        num_embeddings: how many rows there are.
        embedding_dim: how many numbers a row holds.
        init_para: how rows start; a normal distribution, as in torch, if nothing is said.
        max_norm: after each update, longer rows are scaled down to this length.
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).

    Example:
        >>> EmbeddingLayer(1000, 8)(torch.tensor([[3, 14, 15], [9, 2, 6]])).shape
        torch.Size([2, 3, 8])
    """

    NAME = "embedding"
    SETTLED = ("in_channel_num", "out_channel_num")

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        init_para: Mapping[str, Any] | str | Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        init = {"name": "normal", "stddev": 1.0} if init_para is None else init_para
        kwargs = {"initial_bias_value": None, **kwargs}
        super().__init__(
            in_channel_num=num_embeddings, out_channel_num=embedding_dim, init_para=init, **kwargs
        )
        if self.initial_bias_value is not None:
            raise BlockError(f"`{self.name}` has no biases: leave out `initial_bias_value`.")

    def forward(self, signal: Int[Tensor, "..."]) -> Float[Tensor, "... dim"]:
        return F.embedding(signal, self.weight)

    def _shapes(self) -> tuple[Sizes, ...]:
        return ((self.in_channel_num, self.out_channel_num),)

    def _learn_sizes(self, state: dict[str, Tensor]) -> None:
        """Both sizes are known."""

    def _given(self, signal: Signal) -> int:
        return self.in_channel_num or 1

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, Tensor):
            raise BlockError(f"`{self.name}` wants a tensor of whole numbers, found {found(signal)}.")
        if signal.dtype not in (torch.int64, torch.int32):
            raise BlockError(f"`{self.name}` wants whole numbers, found {kind_of(signal)}. Use x.long().")
        if signal.numel() and not 0 <= int(signal.min()) <= int(signal.max()) < (self.in_channel_num or 1):
            raise BlockError(
                f"`{self.name}` has rows 0 to {(self.in_channel_num or 1) - 1}, found numbers from "
                f"{int(signal.min())} to {int(signal.max())}. Make `num_embeddings` larger."
            )

    def extra_repr(self) -> str:
        return f"{self.in_channel_num} → {self.out_channel_num}"
