"""One update of a brain: forward, backward, average over the ranks, clip, step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from akidlab.blocks.updates import asking, tell
from akidlab.guards.finite import gradient_check
from akidlab.kids.guarding import Guarding, Watch

if TYPE_CHECKING:
    from akidlab.kids.kid import Kid
    from akidlab.sensors.sensor import Batch


def make_update(
    kid: Kid, next_batch: Callable[[], Batch] | None = None, guarding: Guarding | None = None
) -> Callable[[], Tensor | float]:
    """The function that makes one step of `kid`, on what `next_batch` gives, and returns its loss.

    The common cases are spelled out, without a branch that they do not need: one runs at every step.

    Args:
        kid: whose step.
        next_batch: where its batches come from; by default its sensor.
        guarding: who watches over it; nobody, if left out or switched off.
    """
    guarding = guarding if guarding is not None and guarding.is_on else None
    next_batch = next_batch or kid.sensor.next
    one_batch = kid.accumulate == 1 and kid.precision is None and kid.engine.size == 1
    if one_batch and guarding is None:
        return _plain(kid, next_batch)
    if one_batch and guarding is not None and kid.device.type == "cpu":
        return _guarded(kid, next_batch, guarding)
    return _general(kid, next_batch, guarding)


def _guarded(kid: Kid, next_batch: Callable[[], Batch], guarding: Guarding) -> Callable[[], float]:
    parameters, finite = kid.parameters, gradient_check(kid.parameters)
    objective, make_step, clip_norm = kid.objective, _step(kid), kid.clip_norm

    def update() -> float:
        inputs = next_batch()
        for parameter in parameters:
            parameter.grad = None
        loss = objective(inputs)
        value = loss.item()
        if value - value != 0.0:  # neither NaN nor an infinity is 0 then
            guarding.alarm("loss", value, [inputs])
        loss.backward()
        if guarding.heard is not None:
            guarding.alarm("activation", value, [inputs])
        if not finite():
            guarding.alarm("gradient", value, [inputs])
        if clip_norm is not None:
            clip_grad_norm_(parameters, clip_norm)
        make_step()
        return value

    return update


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


def _general(kid: Kid, next_batch: Callable[[], Batch], guarding: Guarding | None) -> Callable[[], Tensor]:
    parameters, sensor, engine = kid.parameters, kid.sensor, kid.engine
    make_step, batches, cast = _step(kid), kid.accumulate, autocast(kid)
    watch = None if guarding is None else Watch(guarding)

    def update() -> Tensor:
        for parameter in parameters:
            parameter.grad = None
        total, given = None, []
        for _ in range(batches):
            inputs = next_batch()
            given.append(inputs)
            with cast():
                loss = kid.objective(inputs)
            # a rank whose slice is smaller counts less, so that the mean over ranks is that of the batch
            loss = loss * (sensor.weight / batches) if batches > 1 or sensor.weight != 1.0 else loss
            loss.backward()
            total = loss.detach() if total is None else total + loss.detach()
        assert total is not None
        if engine.size > 1:
            if guarding is not None and guarding.heard is not None:  # by one rank, and all are to know
                total = total * torch.nan
            gradients = [_gradient(parameter) for parameter in parameters]
            total, kid.flagged = engine.average(gradients, total, kid.controls.pending)
        if watch is not None:  # after the average: all ranks see the same, and act at the same step
            watch.before(total, given)
        if kid.clip_norm is not None:
            clip_grad_norm_(parameters, kid.clip_norm)
        make_step()
        if watch is not None:
            watch.after(total, given)
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
    elif not parameter.grad.is_contiguous():  # ranks add up memory: laid out alike, and none of it sparse
        parameter.grad = parameter.grad.to_dense().contiguous()
    return parameter.grad
