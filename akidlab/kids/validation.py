"""Validation: the mean over samples of the loss and of every evaluation, each sample once over all ranks."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.kids.update import autocast

if TYPE_CHECKING:
    from akidlab.blocks import Brain
    from akidlab.kids.kid import Kid
    from akidlab.sensors.sensor import Batch


FIRST_STRETCH = 8  # batches until ranks look at each other for the first time
LOOK = 0.25  # seconds between later looks


class Abandoned(Exception):
    """Somebody asked to stop while a validation was under way."""


def measure(kid: Kid, mode: str = "val") -> tuple[float, dict[str, float]]:
    """The loss and the evaluations of `kid` on its validation or test samples.

    Raises:
        Abandoned: if a command to stop arrives meanwhile; a validation may take long.
    """
    tally = _Tally()
    with watching(kid):
        for inputs in _together(kid, mode, tally):
            for brain, loss, samples in kid.engine.passes(kid.brain, inputs):
                tally.add({"loss": loss, **_evals(brain, kid.device)}, samples)
    if not tally.count:
        raise ValueError(f"There is no `{mode}` sample to measure on.")
    means = {name: total / tally.count for name, total in tally.told.items()}
    return means.pop("loss"), means


class _Tally:
    """Sums over samples, in double precision, on the device; `told` once they are sums over all ranks."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.told: dict[str, float] = {}
        self.count = 0

    def add(self, values: Mapping[str, Tensor], samples: int) -> None:
        for name, value in values.items():
            weighted = value.detach().double() * samples
            self.sums[name] = self.sums[name] + weighted if name in self.sums else weighted
        self.count += samples

    def plain(self) -> dict[str, float]:
        return {name: float(total) for name, total in self.sums.items()}

    def merge(self, counts: Iterable[int], sums: Iterable[Mapping[str, float]]) -> None:
        self.count = sum(counts)
        for of_rank in sums:  # a rank without a single sample has none
            for name, total in of_rank.items():
                self.told[name] = self.told.get(name, 0.0) + total


def _evals(brain: Brain, device: torch.device) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value, device=device) for name, value in brain.evals.items()}


def _together(kid: Kid, mode: str, tally: _Tally) -> Iterator[Batch]:
    """The batches of this rank; now and then ranks look whether all are done, or somebody wants to stop."""
    batches = iter(kid.sensor.validation_batches() if mode == "val" else kid.sensor.test_batches())
    engine = kid.engine
    stretch = 1 if engine.size == 1 else FIRST_STRETCH
    while True:
        begun, made = time.perf_counter(), 0
        for inputs in itertools.islice(batches, stretch):
            yield inputs
            made += 1
        going = made == stretch
        sums = {} if going else tally.plain()
        pace = (time.perf_counter() - begun) / max(made, 1)
        stops, goings, paces, counts, all_sums = zip(
            *engine.gather((kid.stop_asked(), going, pace, tally.count, sums)), strict=True
        )
        if any(stops):
            raise Abandoned
        if not any(goings):
            return tally.merge(counts, all_sums)
        if engine.size > 1:
            stretch = min(1024, max(1, int(LOOK / max(paces))))


@contextmanager
def watching(kid: Kid) -> Iterator[None]:
    """The brain as it is for others to see: nothing learns, nothing is dropped, nothing is remembered.

    Where moving averages of parameters are kept, they take the place of the parameters.
    """
    modes = [(module, module.training) for module in kid.brain.modules()]
    kid.brain.eval()
    try:
        with kid.brain.averaged(), torch.no_grad(), autocast(kid)():
            yield
    finally:
        for module, training in modes:  # one by one: a hook may keep some of them in validation mode
            module.training = training
