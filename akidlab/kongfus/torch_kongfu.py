"""TorchKongFu: any optimiser of torch, by its name."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from akidlab.errors import BlockError, DataError, unknown
from akidlab.kongfus.curves import Scheme
from akidlab.kongfus.kongfu import KongFu
from akidlab.options import Signature

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer


class TorchKongFu(KongFu):
    """Updates as an optimiser of torch does, or as any class that is one.

    Args:
        optimizer: its name, `"RMSprop"` for instance, or the class itself.
        lr: the learning rate, before any scheme; by default torch's for that optimiser.
        lr_scheme: how the rate changes.
        weight_decay: how strongly parameters are drawn to 0; by default torch's for that optimiser.
        name: what to call it.
        var_list: what it updates in a loop written by hand.
        options: more that the optimiser takes, such as `alpha`.

    Raises:
        UnknownNameError: if torch has no such optimiser, or that one no such option.
        DataError: if torch refuses an option.

    Example:
        >>> TorchKongFu("RMSprop", lr=0.001, alpha=0.9)
        TorchKongFu('RMSprop', lr=0.001, alpha=0.9)
    """

    __signature__ = Signature()  # its options are torch's

    def __init__(
        self,
        optimizer: str | type[Optimizer],
        lr: float | None = None,
        *,
        lr_scheme: Mapping[str, Any] | Scheme | None = None,
        weight_decay: float | None = None,
        name: str | None = None,
        var_list: Iterable[Parameter] | None = None,
        **options: Any,
    ) -> None:
        self.kind = found(optimizer)
        takes = _takes(self.kind)
        asked = options if weight_decay is None else {**options, "weight_decay": weight_decay}
        for option in asked:
            if option not in takes:
                raise unknown(f"option of `{self.kind.__name__}`", option, ["lr", *takes])
        rate = inspect.signature(self.kind).parameters["lr"].default if lr is None else lr
        decay = takes.get("weight_decay", 0.0) if weight_decay is None else weight_decay
        super().__init__(
            rate, lr_scheme=lr_scheme, weight_decay=decay, name=name or self.kind.__name__, var_list=var_list
        )
        self.options = options
        self._try()

    def _make(self, parameters: list[Parameter], lr: float, fused: bool) -> Optimizer:
        options = dict(self.options)
        if "weight_decay" in _takes(self.kind):
            options["weight_decay"] = self.weight_decay
        if self.kind.__name__ in ("Adam", "AdamW") and fused and "foreach" not in options:
            options.setdefault("fused", True)
        try:
            return self.kind(parameters, lr=lr, **options)  # type: ignore[call-arg]
        except ValueError as error:
            raise BlockError(
                f"`{self.kind.__name__}` cannot update these parameters: {error} Take another optimiser."
            ) from error

    def _try(self) -> None:
        import torch

        try:  # what torch refuses shall be told here, not at the set-up
            self.kind([torch.nn.Parameter(torch.zeros(1, 1))], lr=self._lr, **self.options)  # type: ignore[call-arg]
        except (ValueError, TypeError, RuntimeError) as error:
            raise DataError(f"torch's `{self.kind.__name__}` refuses that: {error}") from error

    def _arguments(self) -> list[str]:
        return [repr(self.kind.__name__)]

    def _facts(self) -> dict[str, object]:
        return {**super()._facts(), **self.options}


def found(optimizer: str | type[Optimizer]) -> type[Optimizer]:
    """The class of an optimiser, by its name in any case.

    Raises:
        UnknownNameError: if torch has none of that name.
        DataError: if it cannot be used here.
    """
    from torch import optim

    kinds = {n: k for n, k in vars(optim).items() if isinstance(k, type) and issubclass(k, optim.Optimizer)}
    for unusable in ("Optimizer", "LBFGS"):  # the base of all, and one that wants to compute losses itself
        kinds.pop(unusable, None)
    if isinstance(optimizer, type) and issubclass(optimizer, optim.Optimizer):
        kind = optimizer
    else:
        names = {name.lower(): name for name in kinds}
        if str(optimizer).lower() not in (*names, "lbfgs"):
            raise unknown("optimiser", str(optimizer), kinds)
        kind = kinds.get(names.get(str(optimizer).lower(), ""), optim.LBFGS)
    if issubclass(kind, optim.LBFGS):
        raise DataError("`LBFGS` computes losses on its own, several in a step. Take another optimiser.")
    return kind


def _takes(kind: type[Optimizer]) -> dict[str, Any]:
    parameters = inspect.signature(kind).parameters.values()
    return {p.name: p.default for p in parameters if p.name not in ("params", "lr", "self")}
