"""Assembly: how the parts of a Kid are put together, and again when its brain has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch

from akidlab.kids import editing, state, watched

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer

    from akidlab.engines.base import Objective
    from akidlab.kids.kid import Kid


def is_needed(kid: Kid) -> bool:
    """True if the kid was never put together, or its brain or engine is another than then."""
    known = kid.is_setup and kid.brain.is_setup and len(kid.brain.edits) == kid.edits
    return not (known and _same(_trainable(kid), kid.parameters))


def assemble(kid: Kid) -> None:
    """Put the parts together: data, weights, optimiser, generators."""
    engine = kid.engine
    kid.sensor.shard(engine.rank, engine.size)
    kid.sensor.setup()
    kid.brain.setup([tensor.cpu() for tensor in kid.sensor.batch()], seed=kid.seed)
    if engine.device.type != "cpu":
        kid.sensor.to(engine.device)
        kid.brain.to(engine.device)
    kid.optimizer = engine.setup(kid.brain, _optimizer(kid))
    kid.objective = engine.objective(kid.brain, *([_compiled(kid)] if kid.compile else []))
    if kid.step == 0:
        kid.random = state.seeded(kid)
    if kid.assembled:
        editing.announce(kid)
    kid.is_setup, kid.assembled, kid.edits = True, kid.assembled + 1, len(kid.brain.edits)
    if kid.practising:
        watched.renew(kid)


def _compiled(kid: Kid) -> Callable[[Objective], Objective]:
    options = dict(kid.compile) if isinstance(kid.compile, Mapping) else {}
    return lambda objective: torch.compile(objective, **options)


def _optimizer(kid: Kid) -> Optimizer:
    """The optimiser of the brain as it is now; what it knows of parameters that stay is kept."""
    parameters, before = _trainable(kid), kid.__dict__.get("optimizer")
    if before is not None and _same(parameters, kid.parameters):
        return before
    optimizer = kid.kongfu.setup(parameters)
    for parameter in parameters:
        if before is not None and parameter in before.state:
            optimizer.state[parameter] = before.state[parameter]
    kid.parameters = parameters
    return optimizer


def _trainable(kid: Kid) -> list[Parameter]:
    return [parameter for parameter in kid.brain.parameters() if parameter.requires_grad]


def _same(some: list[Parameter], others: list[Parameter]) -> bool:
    return len(some) == len(others) and all(a is b for a, b in zip(some, others, strict=True))
