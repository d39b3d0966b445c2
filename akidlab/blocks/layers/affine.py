"""Affine: a scale and a shift, for layers that normalise first."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from akidlab.blocks.block import Block
from akidlab.errors import BlockError


class AffineLayer(Block):
    """Normalises, then scales and shifts by what it has learnt.

    Args:
        beta_init: what the shift starts from.
        gamma_init: what the scale starts from.
        eps: added to the variance.
        kwargs: more of `Block`, such as `name` and `inputs`.
    """

    NAME = "affine"
    weight: nn.Parameter
    bias: nn.Parameter

    def __init__(
        self, *, beta_init: float = 0.0, gamma_init: float = 1.0, eps: float = 1e-5, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not eps > 0:
            raise BlockError(f"`eps` is a number above 0, found {eps!r}.")
        self.beta_init, self.gamma_init, self.eps = beta_init, gamma_init, eps
        self.register_parameter("weight", None)
        self.register_parameter("bias", None)

    @property
    def gamma(self) -> nn.Parameter:
        """The scale."""
        return self.weight

    @property
    def beta(self) -> nn.Parameter:
        """The shift."""
        return self.bias

    def _make(self, shape: tuple[int, ...], **kind: Any) -> None:
        self.weight = nn.Parameter(torch.full(shape, float(self.gamma_init), **kind))
        self.bias = nn.Parameter(torch.full(shape, float(self.beta_init), **kind))

    def _unfit(self, shape: tuple[int, ...]) -> str | None:
        """Why a scale of this shape cannot be loaded; None if it can."""
        raise NotImplementedError

    def _parameters_made(self) -> list[str]:
        return ["weight", "bias"]

    def _adopt(self, state: dict[str, Tensor]) -> list[str]:
        weight = state["weight"]
        unfit = self._unfit(tuple(weight.shape))
        if unfit is not None:
            return [unfit]
        self._make(tuple(weight.shape), device=weight.device, dtype=weight.dtype)
        self._is_setup = True
        return []
