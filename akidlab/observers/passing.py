"""One pass of a network for an onlooker: nothing learns, nothing is dropped, nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from akidlab.blocks import Block, Brain
from akidlab.errors import DataError


@contextmanager
def looking(module: nn.Module) -> Iterator[None]:
    """Within it the module is as in a validation; afterwards all is as it was, what blocks keep as well."""
    modes = [(inner, inner.training) for inner in module.modules()]
    kept = [(inner, list(inner._kept)) for inner in module.modules() if isinstance(inner, Block)]
    module.eval()
    try:
        yield
    finally:
        for inner, training in modes:
            inner.training = training
        for block, values in kept:
            block._kept[:] = values


def infer(module: nn.Module, *samples: Tensor) -> Tensor:
    """What a network makes of samples: of a brain what the last loss would judge.

    Raises:
        DataError: if it makes no tensor of them.
    """
    value: Any = module.infer(*samples) if isinstance(module, Brain) else module(*samples)
    value = value[0] if isinstance(value, (list, tuple)) and value else value
    if not isinstance(value, Tensor):
        raise DataError(f"A network is looked at by what it emits, a tensor; found a {type(value).__name__}.")
    return value


def samples_for(module: nn.Module, samples: Any) -> Tensor:
    """Samples as the network wants them: a batch, on its device, of its kind of numbers.

    Raises:
        DataError: if these are no samples.
    """
    if isinstance(samples, (list, tuple)) and samples and isinstance(samples[0], Tensor):
        samples = samples[0]  # akid's [data, labels]
    try:
        found = torch.as_tensor(samples)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"Samples are an array or a tensor, found {type(samples).__name__}: {error}."
        ) from error
    if found.dim() < 2:
        raise DataError(f"Samples are [samples, ...], found the shape {tuple(found.shape)}.")
    return _fitted(module, found)


def inputs_for(module: nn.Module, samples: Any) -> list[Tensor]:
    """All that a network is given: a brain may read more than one value of a sample, others read the first.

    Raises:
        DataError: if these are no samples.
    """
    first = samples_for(module, samples)
    if not (
        isinstance(module, Brain) and isinstance(samples, (list, tuple)) and isinstance(samples[0], Tensor)
    ):
        return [first]
    return [first, *(_fitted(module, part) for part in samples[1:])]


def _fitted(module: nn.Module, found: Tensor) -> Tensor:
    """On the device of a network, numbers with a point of its kind."""
    held = next((p for p in module.parameters() if p.is_floating_point()), None)
    if held is None:
        return found
    return found.to(held.device, held.dtype if found.is_floating_point() else None)


@contextmanager
def hooked(modules: dict[str, nn.Module], hear: Callable[[str, Any], object]) -> Iterator[None]:
    """Within it, `hear` is told what each module emits, by its name."""

    def listener(name: str) -> Callable[..., None]:
        def listen(module: nn.Module, inputs: Any, value: Any) -> None:
            hear(name, value)

        return listen

    handles = [module.register_forward_hook(listener(name)) for name, module in modules.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
