"""GradientDescentKongFu: against the gradient, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akidlab.kongfus.kongfu import KongFu

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer


class GradientDescentKongFu(KongFu):
    """Steps against the gradient: `w -= lr * g`.

    Example:
        >>> GradientDescentKongFu(lr=0.1)
        GradientDescentKongFu(lr=0.1)
    """

    NAME = "gradient_descent"

    def _make(self, parameters: list[Parameter], lr: float, fused: bool) -> Optimizer:
        import torch

        return torch.optim.SGD(parameters, lr, weight_decay=self.weight_decay, fused=fused)
