"""DistributedOptimizer: a training loop of one's own, on many ranks, by two more lines."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from akidlab.engines.base import Engine
from akidlab.errors import DispatchError


def DistributedOptimizer(
    optimizer: torch.optim.Optimizer,
    named_parameters: Iterable[tuple[str, Tensor]] | None = None,
    *,
    engine: str | Engine | None = None,
) -> torch.optim.Optimizer:
    """Have `optimizer` step by the gradients of all ranks: their mean, by the quickest way there is.

    In place of `hvd.DistributedOptimizer`. It is the same optimizer, which averages before it steps; who
    accumulates gradients calls `step` only every few passes. The ranks start from the parameters of rank 0.

    Args:
        optimizer: any of torch's.
        named_parameters: those to average; by default all that the optimizer has.
        engine: what carries them: `horovod`, `torch`, or an Engine; by default that of the launcher.

    Raises:
        DispatchError: when it steps by a closure, which computes gradients too late to be averaged.

    Example:
        >>> model = torch.nn.Linear(2, 1)
        >>> optimizer = DistributedOptimizer(torch.optim.SGD(model.parameters(), lr=0.1), engine="single")
        >>> model(torch.ones(1, 2)).sum().backward()
        >>> optimizer.step()
    """
    from akidlab.engines import get

    parameters = (
        [parameter for group in optimizer.param_groups for parameter in group["params"]]
        if named_parameters is None
        else [parameter for _, parameter in named_parameters]
    )
    launched = "horovod" if "HOROVOD_RANK" in os.environ else "torch"
    carrier = get(engine or launched, device=parameters[0].device if parameters else None)
    carrier.setup(_Held(parameters), optimizer)
    optimizer.register_step_pre_hook(_Average(carrier, parameters))
    return optimizer


class _Average:
    """Averages the gradients of some parameters; called before a step."""

    def __init__(self, engine: Engine, parameters: list[Tensor]) -> None:
        self._engine, self._parameters = engine, parameters

    def __call__(self, optimizer: Any, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        if any(given is not None for given in (*args[1:], options.get("closure"))):
            raise DispatchError(
                "This optimizer was asked to step by a closure, which computes gradients when it is too late"
                " to average them over the ranks. Call `backward()` first, then `step()` without a closure."
            )
        gradients = [_gradient(parameter) for parameter in self._parameters if parameter.requires_grad]
        self._engine.average(gradients, torch.zeros((), device=self._engine.device), False)


class _Held(nn.Module):
    """Some parameters, as an engine takes them."""

    def __init__(self, parameters: list[Tensor]) -> None:
        super().__init__()
        self.held = nn.ParameterList(parameters)


def _gradient(parameter: Tensor) -> Tensor:
    if parameter.grad is None:  # unused here, but perhaps not on another rank
        parameter.grad = torch.zeros_like(parameter)
    elif not parameter.grad.is_contiguous():  # ranks add up memory: laid out alike, and none of it sparse
        parameter.grad = parameter.grad.to_dense().contiguous()
    return parameter.grad
