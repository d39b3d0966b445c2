"""Losses that judge numbers without a truth: weights that should be small, rows that should be spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from akidlab.blocks.layers.loss import LossLayer
from akidlab.blocks.signal import Signal, found, listed
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class WeightDecayLayer(LossLayer):
    """multiplier · Σw² over all that it is given: parameters, named as its inputs.

    Args:
        kwargs: more of `LossLayer` (multiplier) and of `Block` (name, inputs).

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
        >>> WeightDecayLayer(multiplier=0.1)(weight)
        tensor(0.5000, grad_fn=<MulBackward0>)
    """

    NAME = "weight_decay"

    def forward(self, signal: Signal) -> Float[Tensor, ""]:
        costs = [weight.square().sum() for weight in listed(signal)]
        return self._scaled(sum(costs[1:], costs[0]))


class KLRegularizationLayer(LossLayer):
    """Asks each row to be spread as a normal distribution of a given deviation is.

    For a row with the (unbiased) deviation s this is the divergence KL(N(0, s²) ‖ N(0, std²)) =
    ln(std/s) - 1/2 + (s/std)²/2, which is 0 where s = std; its mean over rows.

    Args:
        mean: 0: the divergence is about deviations, wherever a row lies.
        std: the deviation that rows should have.
        kwargs: more of `LossLayer` (multiplier) and of `Block` (name, inputs).

    Example:
        >>> KLRegularizationLayer(std=1.0)(torch.tensor([[-1.0, 0.0, 1.0]]))
        tensor(0.)
    """

    NAME = "kl"

    def __init__(self, mean: float = 0.0, std: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if mean != 0:
            raise BlockError(f"`{self.name}` is about deviations: its `mean` is 0, found {mean!r}.")
        if not isinstance(std, (int, float)) or std <= 0:
            raise BlockError(f"`std` of `{self.name}` is a number above 0, found {std!r}.")
        self.std = float(std)

    def forward(self, signal: Float[Tensor, "batch numbers"]) -> Float[Tensor, ""]:
        ratio = signal.flatten(1).std(1) / self.std
        return self._scaled((ratio.square() / 2 - 0.5 - ratio.log()).mean())

    def extra_repr(self) -> str:
        return self._says(f"deviation {self.std:g}")

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, Tensor) or signal.dim() < 2 or signal[0].numel() < 2:
            raise BlockError(
                f"`{self.name}` wants rows of two numbers or more, found {found(signal)}: one number has no "
                "deviation."
            )
