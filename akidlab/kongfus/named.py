"""KongFus by name: ours, and torch's optimisers."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from akidlab.errors import DataError, UnknownNameError, unknown
from akidlab.kongfus.adam import AdamKongFu, AdamWKongFu
from akidlab.kongfus.gradient_descent import GradientDescentKongFu
from akidlab.kongfus.kongfu import KongFu
from akidlab.kongfus.momentum import MomentumKongFu
from akidlab.kongfus.torch_kongfu import TorchKongFu, found

if TYPE_CHECKING:
    from torch.optim import Optimizer

OURS: dict[str, type[KongFu]] = {
    "momentum": MomentumKongFu,
    "gradient_descent": GradientDescentKongFu,
    "adam": AdamKongFu,
    "adamw": AdamWKongFu,
}


def named(what: str | Mapping[str, Any] | type[Optimizer] | KongFu, options: Mapping[str, Any]) -> KongFu:
    """The kongfu meant by a name, a dictionary, the class of an optimiser, or itself.

    Raises:
        UnknownNameError: if nothing is called so.
        DataError: if it cannot be made.
    """
    if isinstance(what, KongFu):
        if options:
            raise DataError(f"{what!r} is made already; options cannot be given to it.")
        return what
    if isinstance(what, Mapping):
        keys = {**what, **options}
        if "name" not in keys:
            raise DataError(f'A kongfu is written as {{"name": "momentum", "lr": 0.1}}, found {what!r}.')
        return named(keys.pop("name"), keys)
    if not isinstance(what, str):
        return TorchKongFu(what, **options)
    ours = OURS.get(_plain(what))
    if ours is not None and set(options) <= set(inspect.signature(ours).parameters):
        return ours(**options)
    try:
        found(what)
    except UnknownNameError:
        if ours is not None:
            unfit = next(key for key in options if key not in inspect.signature(ours).parameters)
            raise unknown(f"option of {ours.__name__}", unfit, inspect.signature(ours).parameters) from None
        raise unknown("kongfu", what, [*OURS, *_torchs()]) from None
    return TorchKongFu(what, **options)


def _plain(name: str) -> str:
    name = name.lower().removesuffix("kongfu").rstrip("_")
    return "gradient_descent" if name == "gradientdescent" else name


def _torchs() -> list[str]:
    from torch import optim

    return [name.lower() for name in vars(optim) if name[0].isupper() and name not in ("Optimizer", "LBFGS")]
