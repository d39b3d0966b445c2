"""Curves: learning rates that are functions of the clock alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from akidlab.clock import Clock
from akidlab.errors import DataError
from akidlab.kongfus.check import at_least_zero, positive

Scheme = Callable[[Clock], float]


def exp_decay(
    base_lr: float,
    *,
    decay_rate: float,
    decay_steps: float | None = None,
    decay_epoch_num: float | None = None,
    num_batches_per_epoch: int | None = None,
    staircase: bool = True,
) -> Scheme:
    """`base_lr * decay_rate ** (step / decay_steps)`, in stairs unless told otherwise."""
    decay_rate = at_least_zero("decay_rate", decay_rate)
    if decay_steps is None and decay_epoch_num is not None and num_batches_per_epoch is None:
        stairs = positive("decay_epoch_num", decay_epoch_num)
        return lambda clock: base_lr * decay_rate ** (clock.epoch // stairs)
    if decay_steps is None and decay_epoch_num is not None and num_batches_per_epoch is not None:
        decay_steps = num_batches_per_epoch * decay_epoch_num
    if decay_steps is None:
        raise DataError("`exp_decay` needs `decay_steps`, or `decay_epoch_num` and `num_batches_per_epoch`.")
    length = positive("decay_steps", decay_steps)
    if staircase:
        return lambda clock: base_lr * decay_rate ** (clock.step // length)
    return lambda clock: base_lr * decay_rate ** (clock.step / length)


def step(base_lr: float, *, steps: Sequence[int], decay_rate: float = 0.1) -> Scheme:
    """`base_lr`, times `decay_rate` for each of `steps` that lies behind."""
    if not isinstance(steps, Iterable):
        raise DataError(f"`steps` is a list of steps, such as [1000, 2000]; found {steps!r}.")
    stairs = sorted(steps)
    decay_rate = at_least_zero("decay_rate", decay_rate)
    return lambda clock: base_lr * decay_rate ** sum(clock.step >= stair for stair in stairs)


def cosine(base_lr: float, *, max_steps: int, final_lr: float = 0.0) -> Scheme:
    """From `base_lr` to `final_lr` in half a cosine of `max_steps`, then constant."""
    length = positive("max_steps", max_steps)
    return lambda clock: _bend(base_lr, final_lr, clock.step / length)


def one_cycle(base_lr: float, *, max_steps: int, rise: float = 0.3) -> Scheme:
    """From `base_lr / 25` up to `base_lr` in the first `rise` of `max_steps`, then down to a millionth.

    Source: L. Smith and N. Topin, Super-Convergence, 2018 (two phases, as fastai and torch have it).
    """
    length = positive("max_steps", max_steps)
    top = max(1.0, rise * length)

    def rate(clock: Clock) -> float:
        if clock.step < top:
            return _bend(base_lr / 25, base_lr, clock.step / top)
        return _bend(base_lr, base_lr * 1e-6, (clock.step - top) / max(1.0, length - top))

    return rate


def warmup(base_lr: float, *, warmup_steps: int) -> Scheme:
    """From near 0 up to `base_lr` in `warmup_steps`, then constant."""
    return Warmed(lambda clock: base_lr, warmup_steps)


class Warmed:
    """A scheme that rises from near 0 in its first steps.

    Args:
        scheme: what it rises to.
        steps: in how many steps.
    """

    def __init__(self, scheme: Scheme, steps: float) -> None:
        self.scheme, self.steps = scheme, positive("warmup_steps", steps)

    def __call__(self, clock: Clock) -> float:
        return self.scheme(clock) * min(1.0, (clock.step + 1) / self.steps)


def _bend(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, part))) / 2
