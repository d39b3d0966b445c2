"""Engines: how the work of a Kid is spread over processes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import cast

import torch

from akidlab.engines.base import Engine
from akidlab.engines.data_parallel import DataParallelEngine
from akidlab.engines.distributed_optimizer import DistributedOptimizer
from akidlab.engines.single import SingleEngine
from akidlab.errors import KindError, unknown

__all__ = ["DataParallelEngine", "DistributedOptimizer", "Engine", "SingleEngine", "SingleGPUEngine", "get"]

SingleGPUEngine = SingleEngine  # akid's name
OURS: dict[str, type[Engine]] = {"single": SingleEngine, "data_parallel": DataParallelEngine}


def get(engine: str | dict[str, object] | Engine, *, device: torch.device | str | None = None) -> Engine:
    """The engine meant by a name, by akid's `{"name": ...}`, or by itself.

    Args:
        engine: `single`, `data_parallel`, `horovod`, `torch`, what a plug-in offers under
            `akidlab.engines`, or a dict with a `name` and the arguments of that engine.
        device: where to work; by default the accelerator of this rank, else the CPU.

    Raises:
        UnknownNameError: if no installed package offers that engine, or it takes no such argument.

    Example:
        >>> get({"name": "single"}, device="cpu").size
        1
    """
    if isinstance(engine, Engine):
        return engine
    name, options = _read(engine)
    maker = _find(name)
    _check_options(name, maker, options)
    made = maker(device=device, **options)
    if not isinstance(made, Engine):
        raise TypeError(
            f"The plug-in `{name}` of `akidlab.engines` makes a {type(made).__name__}, not an Engine."
        )
    return made


def check(engine: str | dict[str, object] | Engine) -> None:
    """See that there is such an engine, without loading or making it.

    Raises:
        UnknownNameError: if no installed package offers it, or one of ours takes no such argument.
        KindError: if it is no name, no dict and no Engine.
    """
    if isinstance(engine, Engine):
        return
    name, options = _read(engine)
    if name in OURS:
        _check_options(name, OURS[name], options)
        return
    from akidlab import registry

    names = registry.names("akidlab.engines")
    if name not in names:
        raise unknown("engine", name, sorted({*OURS, *names}))


def _read(engine: str | dict[str, object]) -> tuple[str, dict[str, object]]:
    if not isinstance(engine, (str, dict)):
        raise KindError(
            f'An engine is a name such as "horovod", a dict such as {{"name": "data_parallel", '
            f'"num_gpu": 2}}, or an Engine; found {engine!r}.'
        )
    options: dict[str, object] = dict(engine) if isinstance(engine, dict) else {"name": engine}
    return str(options.pop("name", "single")), options


def _check_options(name: str, maker: Callable[..., object], options: dict[str, object]) -> None:
    takes = inspect.signature(maker).parameters
    for option in options:
        if option not in takes and not any(p.kind is p.VAR_KEYWORD for p in takes.values()):
            raise unknown(f"argument of the engine `{name}`", str(option), takes)


def _find(name: str) -> Callable[..., object]:
    if name in OURS:  # no search through the installed packages on the way of every Kid
        return OURS[name]
    from akidlab import registry

    return cast("Callable[..., object]", registry.load("akidlab.engines", name))
