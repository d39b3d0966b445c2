"""Layer normalisation: each sample by itself, over its last dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.kind import check_kind, like
from akidlab.blocks.layers.affine import AffineLayer
from akidlab.blocks.layers.channels import whole_number
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class LayerNormalizationLayer(AffineLayer):
    """The last dimensions brought to mean 0 and variance 1, then scaled and shifted number by number.

    Source: Ba, Kiros and Hinton, "Layer normalization", arXiv 1607.06450.

    Args:
        dim_num: over how many of the last dimensions; 1 suits rows and sequences (`[batch, time,
            channels]`), None takes all that a sample has.
        beta_init: what the shift starts from.
        gamma_init: what the scale starts from.
        eps: added to the variance.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> LayerNormalizationLayer()(torch.tensor([[1.0, 3.0], [10.0, 30.0]])).round()
        tensor([[-1.,  1.],
                [-1.,  1.]], grad_fn=<RoundBackward0>)
    """

    NAME = "ln"

    def __init__(self, dim_num: int | None = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dim_num = None if dim_num is None else whole_number(self, "dim_num", dim_num)

    def forward(self, signal: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        weight = self.weight
        return F.layer_norm(signal, weight.shape, weight, self.bias, self.eps)

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, Tensor) or signal.dim() < 1 + (self.dim_num or 1):
            wanted = "×".join(["N", "...", *["size"] * (self.dim_num or 1)])
            raise BlockError(f"`{self.name}` wants a tensor of {wanted}, found {found(signal)}.")
        check_kind(self, signal, self.weight)
        if self.weight is not None and signal.shape[-self.weight.dim() :] != self.weight.shape:
            raise BlockError(
                f"`{self.name}` wants samples that end in {found(self.weight)}, found an input of "
                f"{found(signal)}. Correct what comes before."
            )

    def _setup(self, signal: Signal, seed: Seed) -> None:
        if signal is None:
            raise BlockError(
                f"`{self.name}` cannot be set up without an input: it takes its shape from there. "
                "Call `setup` with an example input."
            )
        shape = signal.shape[1:] if self.dim_num is None else signal.shape[-self.dim_num :]
        self._make(tuple(shape), **like(signal))

    def _unfit(self, shape: tuple[int, ...]) -> str | None:
        if self.dim_num in (None, len(shape)):
            return None
        return (
            f"`{self.name}` normalises over {self.dim_num} dimensions, while the state dict has a scale of "
            f"{'×'.join(map(str, shape))}."
        )

    def extra_repr(self) -> str:
        return "?" if self.weight is None else f"over {'×'.join(map(str, self.weight.shape))}"
