"""Scattering: one signal becomes several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.layers.channels import whole_number
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class ScatterLayer(Block):
    """Its channels, so many at a time, as a list of tensors.

    A later block reads one of them by `inputs=[{"name": "scatter1", "idxs": [1]}]`.

    Args:
        scatter_len_list: how many channels each tensor gets; they add up to those of the input.
        dim: the dimension to split. Channels are akid's last dimension, and the second one here.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> ScatterLayer([1, 2])(torch.tensor([[1.0, 2.0, 3.0]]))
        [tensor([[1.]]), tensor([[2., 3.]])]
    """

    NAME = "scatter"

    def __init__(self, scatter_len_list: Sequence[int], *, dim: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(scatter_len_list, Sequence) or not scatter_len_list:
            raise BlockError(f"`scatter_len_list` is a list such as [2, 3], found {scatter_len_list!r}.")
        self.scatter_len_list = [whole_number(self, "scatter_len_list", n) for n in scatter_len_list]
        self.dim = dim

    def forward(self, signal: Float[Tensor, "batch channels ..."]) -> list[Tensor]:
        return list(signal.split(self.scatter_len_list, self.dim))

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, Tensor) or not -signal.dim() <= self.dim < signal.dim():
            raise BlockError(
                f"`{self.name}` wants a tensor with a dimension {self.dim}, found {found(signal)}."
            )
        if signal.shape[self.dim] != sum(self.scatter_len_list):
            raise BlockError(
                f"`{self.name}` splits {sum(self.scatter_len_list)} channels into {self.scatter_len_list}, "
                f"found {signal.shape[self.dim]} in an input of {found(signal)}. Correct `scatter_len_list`."
            )

    def extra_repr(self) -> str:
        return " + ".join(map(str, self.scatter_len_list))
