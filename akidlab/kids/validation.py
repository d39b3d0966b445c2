"""Validation: the loss and every evaluation over all samples, each sample once over all ranks."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from akidlab.blocks.eval_blocks import BatchEvalBlock, get_eval_block
from akidlab.kids.update import autocast

if TYPE_CHECKING:
    from akidlab.blocks import Brain
    from akidlab.blocks.eval_blocks import EvalBlock
    from akidlab.engines import Engine
    from akidlab.kids.kid import Kid
    from akidlab.sensors.sensor import Batch


FIRST_STRETCH = 8  # batches until ranks look at each other for the first time
LOOK = 0.25  # seconds between later looks


class Abandoned(Exception):
    """Somebody asked to stop while a validation was under way."""


@dataclass(frozen=True)
class Measured:
    """What a validation came to.

    Args:
        loss: its mean over samples.
        evals: the evaluations that are one number.
        verbose_evals: those that are more, or that were gathered over all samples.
    """

    loss: float
    evals: dict[str, float]
    verbose_evals: dict[str, Any]


def measure(kid: Kid, mode: str = "val") -> Measured:
    """The loss and the evaluations of `kid` on its validation or test samples.

    Raises:
        Abandoned: if a command to stop arrives meanwhile; a validation may take long.
    """
    tally, gathered = _Tally(), _Gathered()
    with watching(kid):
        for inputs in _together(kid, mode, tally):
            for brain, loss, samples in kid.engine.passes(kid.brain, inputs):
                tally.add({"loss": loss, **gathered.rest(brain, kid.device, samples)}, samples)
    if not tally.count:
        raise ValueError(f"There is no `{mode}` sample to measure on.")
    means = {name: total / tally.count for name, total in tally.told.items()}
    totals = gathered.over(kid.engine)
    single = {name: totals.pop(name) for name in list(totals) if isinstance(totals[name], float)}
    return Measured(means.pop("loss"), means | single, totals)


class _Gathered:
    """Evaluations that are no means over samples, each in the eval block that its layer asks for."""

    def __init__(self) -> None:
        self.blocks: dict[str, EvalBlock] = {}
        self.kinds: dict[str, type[EvalBlock]] | None = None

    def rest(self, brain: Brain, device: torch.device, samples: int) -> dict[str, Tensor]:
        """Take what the last pass of `brain` told; what is left is averaged over samples."""
        if self.kinds is None:
            self.kinds = brain.eval_blocks
        left = {}
        for name, value in brain.evals.items():
            kind = get_eval_block(name, self.kinds.get(name, BatchEvalBlock))
            if kind is BatchEvalBlock:
                left[name] = torch.as_tensor(value, device=device)
            else:
                self._add(name, kind, value, samples)
        for name, value in brain.verbose_evals.items():
            kind = get_eval_block(name, self.kinds.get(name, BatchEvalBlock))
            if kind is not BatchEvalBlock:
                self._add(name, kind, value, samples)
        return left

    def _add(self, name: str, kind: type[EvalBlock], value: Any, samples: int) -> None:
        if name not in self.blocks:
            self.blocks[name] = kind()
        self.blocks[name].add(value, samples)

    def over(self, engine: Engine) -> dict[str, Any]:
        """What they have come to over all ranks."""
        first: dict[str, EvalBlock] = {}
        for of_rank in engine.gather(self.blocks):
            for name, block in of_rank.items():  # a rank without a single sample has none
                if name in first:
                    first[name].merge(block)
                else:
                    first[name] = block
        return {name: block.data for name, block in first.items()}


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
