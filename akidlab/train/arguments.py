"""Arguments: which parameters of an instance a template is given, and by which names."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from akidlab.errors import TuningError, unknown
from akidlab.train.instance import Instance


def names_of(instance: Instance) -> dict[str, Any]:
    """Everything that a text can read: both dicts, each parameter by name, the seed and the repeat."""
    return {
        "seed": instance.seed,
        "repeat": instance.repeat,
        **instance.opt_paras,
        **instance.net_paras,
        "opt_paras": dict(instance.opt_paras),
        "net_paras": dict(instance.net_paras),
    }


def arguments(function: Callable[..., Any], instance: Instance) -> dict[str, Any]:
    """What `function` is called with.

    Raises:
        TuningError: if a parameter has no place in it, or it needs one that is not there.
    """
    takes = inspect.signature(function).parameters
    kinds = {parameter.kind for parameter in takes.values()}
    name = getattr(function, "__name__", "The template")
    found: dict[str, Any] = {}
    for kind, paras in (("opt_paras", instance.opt_paras), ("net_paras", instance.net_paras)):
        if kind in takes:
            found[kind] = dict(paras)
        for key, value in paras.items():
            if key in found:
                raise TuningError(
                    f"`{key}` is in `opt_paras` and in `net_paras`. Let `{name}` take these two dicts."
                )
            if key in takes or (inspect.Parameter.VAR_KEYWORD in kinds and kind not in takes):
                found[key] = value
            elif kind not in takes:
                raise TuningError(f"{unknown(f'argument of `{name}`', key, takes)} Or let it take `{kind}`.")
    for key, value in (("seed", instance.seed), ("repeat", instance.repeat)):
        if key in takes:
            found.setdefault(key, value)
    empty = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    for key, parameter in takes.items():
        if key not in found and parameter.default is parameter.empty and parameter.kind not in empty:
            raise TuningError(
                f"`{name}` needs `{key}`, and instance {instance.index} ({instance}) has no such parameter. "
                "Vary it, or give it a default."
            )
    return found


def accepted(function: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """Those of `given` that `function` takes."""
    return {name: given[name] for name in inspect.signature(function).parameters if name in given}
