"""MomentumKongFu: against a running sum of the gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from akidlab.kongfus.check import at_least_zero
from akidlab.kongfus.curves import Scheme
from akidlab.kongfus.kongfu import KongFu

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer


class MomentumKongFu(KongFu):
    """Steps against a running sum of the gradients: `v = momentum * v + g; w -= lr * v`.

    Args:
        lr: the learning rate, before any scheme.
        momentum: how much of the running sum is kept at each step.
        use_nesterov: True to look one step ahead.
        lr_scheme: how the rate changes.
        weight_decay: how strongly parameters are drawn to 0.
        name: what to call it.
        var_list: what it updates in a loop written by hand.

    Example:
        >>> MomentumKongFu(lr=0.1)
        MomentumKongFu(lr=0.1, momentum=0.9)
    """

    NAME = "momentum"

    def __init__(
        self,
        lr: float | None = 0.01,
        *,
        momentum: float = 0.9,
        use_nesterov: bool = False,
        lr_scheme: Mapping[str, Any] | Scheme | None = None,
        weight_decay: float = 0.0,
        name: str | None = None,
        var_list: Iterable[Parameter] | None = None,
    ) -> None:
        super().__init__(lr, lr_scheme=lr_scheme, weight_decay=weight_decay, name=name, var_list=var_list)
        self.momentum = at_least_zero("momentum", momentum, below=1.0)
        self.use_nesterov = use_nesterov

    def _make(self, parameters: list[Parameter], lr: float, fused: bool) -> Optimizer:
        import torch

        optimizer = torch.optim.SGD(
            parameters,
            lr,
            momentum=self.momentum,
            nesterov=self.use_nesterov and self.momentum > 0,
            weight_decay=self.weight_decay,
            fused=fused,
        )
        if self.momentum:  # torch's fused step fails where only some parameters have a running sum yet
            for parameter in parameters:
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        return optimizer

    def _facts(self) -> dict[str, object]:
        nesterov = {"use_nesterov": True} if self.use_nesterov else {}
        return super()._facts() | {"momentum": self.momentum} | nesterov
