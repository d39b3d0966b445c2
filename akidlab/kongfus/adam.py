"""AdamKongFu and AdamWKongFu: each parameter at a pace of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from akidlab.errors import DataError
from akidlab.kongfus.check import at_least_zero
from akidlab.kongfus.curves import Scheme
from akidlab.kongfus.kongfu import KongFu

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer


class AdamKongFu(KongFu):
    """Steps by the mean of the gradients over the root of the mean of their squares.

    Source: D. Kingma and J. Ba, Adam, 2015.

    Args:
        lr: the learning rate, before any scheme.
        betas: how much of the two running means is kept at each step.
        eps: what keeps the division from 0.
        lr_scheme: how the rate changes.
        weight_decay: added to the gradients (`AdamWKongFu` takes it off the parameters, which works better).
        name: what to call it.
        var_list: what it updates in a loop written by hand.

    Example:
        >>> AdamKongFu()
        AdamKongFu(lr=0.001, betas=(0.9, 0.999))
    """

    NAME = "adam"

    def __init__(
        self,
        lr: float | None = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        lr_scheme: Mapping[str, Any] | Scheme | None = None,
        weight_decay: float = 0.0,
        name: str | None = None,
        var_list: Iterable[Parameter] | None = None,
    ) -> None:
        super().__init__(lr, lr_scheme=lr_scheme, weight_decay=weight_decay, name=name, var_list=var_list)
        if len(betas) != 2:
            raise DataError(f"`betas` are two numbers, found {betas!r}.")
        first, second = betas
        self.betas = at_least_zero("betas", first, below=1.0), at_least_zero("betas", second, below=1.0)
        self.eps = at_least_zero("eps", eps)

    def _make(self, parameters: list[Parameter], lr: float, fused: bool) -> Optimizer:
        import torch

        return torch.optim.Adam(parameters, lr, self.betas, self.eps, self.weight_decay, fused=fused)

    def _facts(self) -> dict[str, object]:
        return super()._facts() | {"betas": self.betas}


class AdamWKongFu(AdamKongFu):
    """Adam, with the weight decay taken off the parameters themselves.

    Source: I. Loshchilov and F. Hutter, Decoupled Weight Decay Regularization, 2019.

    Args:
        lr: the learning rate, before any scheme.
        betas: how much of the two running means is kept at each step.
        eps: what keeps the division from 0.
        lr_scheme: how the rate changes.
        weight_decay: how strongly parameters are drawn to 0.
        name: what to call it.
        var_list: what it updates in a loop written by hand.

    Example:
        >>> AdamWKongFu(lr=3e-4)
        AdamWKongFu(lr=0.0003, weight_decay=0.01, betas=(0.9, 0.999))
    """

    NAME = "adamw"

    def __init__(
        self,
        lr: float | None = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        lr_scheme: Mapping[str, Any] | Scheme | None = None,
        weight_decay: float = 0.01,
        name: str | None = None,
        var_list: Iterable[Parameter] | None = None,
    ) -> None:
        super().__init__(
            lr,
            betas=betas,
            eps=eps,
            lr_scheme=lr_scheme,
            weight_decay=weight_decay,
            name=name,
            var_list=var_list,
        )

    def _make(self, parameters: list[Parameter], lr: float, fused: bool) -> Optimizer:
        import torch

        return torch.optim.AdamW(parameters, lr, self.betas, self.eps, self.weight_decay, fused=fused)
