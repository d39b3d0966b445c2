"""One update of a brain: forward, backward, average over the ranks, clip, step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from akidlab.blocks.updates import asking, tell

if TYPE_CHECKING:
    from akidlab.kids.kid import Kid
    from akidlab.sensors.sensor import Batch


def make_update(kid: Kid, next_batch: Callable[[], Batch] | None = None) -> Callable[[], Tensor]:
    """The function that makes one step of `kid`, on what `next_batch` gives, and returns its loss.

    The common case is spelled out, without a branch that it does not need: it runs at every step.
    """
    one_batch = kid.accumulate == 1 and kid.precision is None
    make = _plain if one_batch and kid.engine.size == 1 else _general
    return make(kid, next_batch or kid.sensor.next)


def _plain(kid: Kid, next_batch: Callable[[], Batch]) -> Callable[[], Tensor]:
    parameters = kid.parameters
    objective, make_step, clip_norm = kid.objective, _step(kid), kid.clip_norm

    def update() -> Tensor:
        inputs = next_batch()
        for parameter in parameters:
            parameter.grad = None
        loss = objective(inputs)
        loss.backward()
        if clip_norm is not None:
            clip_grad_norm_(parameters, clip_norm)
        make_step()
        return loss.detach()

    return update


def _general(kid: Kid, next_batch: Callable[[], Batch]) -> Callable[[], Tensor]:
    parameters, sensor, engine = kid.parameters, kid.sensor, kid.engine
    make_step, batches, cast = _step(kid), kid.accumulate, autocast(kid)

    def update() -> Tensor:
        for parameter in parameters:
            parameter.grad = None
        total = None
        for _ in range(batches):
            inputs = next_batch()
            with cast():
                loss = kid.objective(inputs)
            # a rank whose slice is smaller counts less, so that the mean over ranks is that of the batch
            loss = loss * (sensor.weight / batches) if batches > 1 or sensor.weight != 1.0 else loss
            loss.backward()
            total = loss.detach() if total is None else total + loss.detach()
        assert total is not None
        if engine.size > 1:
            gradients = [_gradient(parameter) for parameter in parameters]
            total, kid.flagged = engine.average(gradients, total, kid.controls.pending)
        if kid.clip_norm is not None:
            clip_grad_norm_(parameters, kid.clip_norm)
        make_step()
        return total

    return update


def _step(kid: Kid) -> Callable[[], object]:
    """The step of the optimiser, followed by the word to those blocks that asked for it, if any did."""
    step, blocks = kid.optimizer.step, asking(kid.brain)

    def step_and_tell() -> None:
        step()
        tell(blocks)

    return step_and_tell if blocks else step


def autocast(kid: Kid) -> Callable[[], contextlib.AbstractContextManager[object]]:
    """The context in which the brain computes: bfloat16 where that was asked for."""
    if kid.precision is None:
        return contextlib.nullcontext
    return lambda: torch.autocast(kid.engine.device.type, dtype=torch.bfloat16)


def _gradient(parameter: Tensor) -> Tensor:
    if parameter.grad is None:  # unused in this pass here, but perhaps not on another rank
        parameter.grad = torch.zeros_like(parameter)
    elif not parameter.grad.is_contiguous():  # ranks add up memory: it must be laid out alike
        parameter.grad = parameter.grad.contiguous()
    return parameter.grad
