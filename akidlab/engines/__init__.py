"""Engines: how the work of a Kid is spread over processes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import cast

import torch

from akidlab.engines.base import Engine
from akidlab.engines.data_parallel import DataParallelEngine
from akidlab.engines.single import SingleEngine
from akidlab.errors import unknown

__all__ = ["DataParallelEngine", "Engine", "SingleEngine", "SingleGPUEngine", "get"]

SingleGPUEngine = SingleEngine  # akid's name
OURS: dict[str, type[Engine]] = {"single": SingleEngine, "data_parallel": DataParallelEngine}


def get(engine: str | dict[str, object] | Engine, *, device: torch.device | str | None = None) -> Engine:
    """The engine meant by a name, by akid's `{"name": ...}`, or by itself.

    Args:
        engine: `single`, `data_parallel`, `horovod`, what a plug-in offers under `akidlab.engines`, or a
            dict with a `name` and the arguments of that engine.
        device: where to work; by default the accelerator of this rank, else the CPU.

    Raises:
        UnknownNameError: if no installed package offers that engine, or it takes no such argument.

    Example:
        >>> get({"name": "single"}, device="cpu").size
        1
    """
    if isinstance(engine, Engine):
        return engine
    options = dict(engine) if isinstance(engine, dict) else {"name": engine}
    name = str(options.pop("name", "single"))
    maker = _find(name)
    takes = inspect.signature(maker).parameters
    for option in options:
        if option not in takes and not any(p.kind is p.VAR_KEYWORD for p in takes.values()):
            raise unknown(f"argument of the engine `{name}`", str(option), takes)
    made = maker(device=device, **options)
    if not isinstance(made, Engine):
        raise TypeError(
            f"The plug-in `{name}` of `akidlab.engines` makes a {type(made).__name__}, not an Engine."
        )
    return made


def _find(name: str) -> Callable[..., object]:
    if name in OURS:  # no search through the installed packages on the way of every Kid
        return OURS[name]
    from akidlab import registry

    return cast("Callable[..., object]", registry.load("akidlab.engines", name))
