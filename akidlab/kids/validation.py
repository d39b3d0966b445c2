"""Validation: the mean over samples of the loss and of every evaluation, each sample once over all ranks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.kids.update import autocast

if TYPE_CHECKING:
    from akidlab.kids.kid import Kid
    from akidlab.sensors.sensor import Batch


class Abandoned(Exception):
    """Somebody asked to stop while a validation was under way."""


def measure(kid: Kid, mode: str = "val") -> tuple[float, dict[str, float]]:
    """The loss and the evaluations of `kid` on its validation or test samples.

    Raises:
        Abandoned: if a command to stop arrives meanwhile; a validation may take long.
    """
    sums = kid.engine.sum(_sums(kid, mode))
    count = sums.pop("count")
    if not count:
        raise ValueError(f"There is no `{mode}` sample to measure on.")
    means = {name: value / count for name, value in sums.items()}
    return means.pop("loss"), means


def _sums(kid: Kid, mode: str) -> dict[str, float]:
    totals: dict[str, Tensor] = {}
    count = 0
    with watching(kid):
        for inputs in _together(kid, mode):
            n = len(inputs[0])
            for name, value in _values(kid, inputs).items():
                weighted = value.detach().double() * n
                totals[name] = totals[name] + weighted if name in totals else weighted
            count += n
    sums = {name: float(total) for name, total in totals.items()}
    if kid.engine.size > 1:  # a rank without a single sample must still take part, with the same names
        sums = {name: 0.0 for names in kid.engine.gather(list(sums)) for name in names} | sums
    return {"count": count, **sums}


def _values(kid: Kid, inputs: Batch) -> dict[str, Tensor]:
    loss = kid.measured(inputs)
    return {"loss": loss, **{name: torch.as_tensor(value) for name, value in kid.brain.evals.items()}}


def _together(kid: Kid, mode: str) -> Iterator[Batch]:
    """The batches of this rank; ranks look together after each whether somebody wants to stop."""
    batches = iter(kid.sensor.validation_batches() if mode == "val" else kid.sensor.test_batches())
    engine, going = kid.engine, True
    while going:
        inputs = next(batches, None)
        if inputs is not None:
            yield inputs
        stop, going = engine.any(kid.stop_asked(), inputs is not None)
        if stop:
            raise Abandoned


@contextmanager
def watching(kid: Kid) -> Iterator[None]:
    """The brain as it is for others to see: nothing learns, nothing is dropped, nothing is remembered."""
    was_training = kid.brain.training
    kid.brain.eval()
    try:
        with torch.no_grad(), autocast(kid)():
            yield
    finally:
        kid.brain.train(was_training)
