"""Learning-rate schemes: the rate as a function of the clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from akidlab.clock import Clock
from akidlab.errors import DataError, unknown
from akidlab.kongfus.check import at_least_zero, positive

Scheme = Callable[[Clock], float]


class LearningRateScheme(IntEnum):
    """The schemes that a kongfu knows by name; the first two, and their keys, are akid's.

    Each is a dictionary `{"name": LearningRateScheme.exp_decay, "base_lr": 0.01, ...}`; the name may be a
    string. `base_lr` may be left out, then it is the kongfu's `lr`. With `warmup_steps` any of them rises
    from near 0 in that many steps.

    | name | the rate | keys |
    |---|---|---|
    | `exp_decay` | falls by `decay_rate` again and again | `decay_rate`, then `decay_steps`, or `decay_epoch_num` and `num_batches_per_epoch`; `staircase=True` |
    | `placeholder` | stays until somebody calls `set_lr` | |
    | `step` | falls by `decay_rate` at each of `steps` | `steps`, `decay_rate=0.1` |
    | `cosine` | falls to `final_lr` in half a cosine | `max_steps`, `final_lr=0` |
    | `warmup` | rises, then stays | `warmup_steps` |
    | `one_cycle` | rises to `base_lr`, then falls to nearly 0, by cosines | `max_steps`, `rise=0.3` |
    """  # noqa: E501  (a table)

    exp_decay = 1
    placeholder = 2
    step = 3
    cosine = 4
    warmup = 5
    one_cycle = 6


def scheme_of(wanted: Mapping[str, Any] | Scheme | None, lr: float | None) -> tuple[float, Scheme | None]:
    """The base rate and the scheme, None where the rate is constant.

    Raises:
        UnknownNameError: if no scheme or key of it is called so.
        DataError: if a key is missing or makes no sense.
    """
    if wanted is None or callable(wanted):
        return at_least_zero("lr", 0.01 if lr is None else lr), wanted
    if not isinstance(wanted, Mapping):
        raise DataError(
            f'`lr_scheme` is written as {{"name": "cosine", "max_steps": 1000}}, or is a function of the '
            f"clock; found {wanted!r}."
        )
    keys = dict(wanted)
    kind = _kind(keys.pop("name", LearningRateScheme.placeholder))
    base = at_least_zero("base_lr", keys.pop("base_lr", 0.01 if lr is None else lr))
    warmup = 0 if kind is LearningRateScheme.warmup else keys.pop("warmup_steps", 0)
    try:
        scheme = _MAKERS[kind](base, **keys)
    except TypeError:
        raise _misfit(kind, keys) from None
    return base, _warmed(
        scheme or (lambda clock: base), positive("warmup_steps", warmup)
    ) if warmup else scheme


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
    return _warmed(lambda clock: base_lr, positive("warmup_steps", warmup_steps))


def _placeholder(base_lr: float) -> None:
    return None


_MAKERS: dict[LearningRateScheme, Callable[..., Scheme | None]] = {
    LearningRateScheme.exp_decay: exp_decay,
    LearningRateScheme.placeholder: _placeholder,
    LearningRateScheme.step: step,
    LearningRateScheme.cosine: cosine,
    LearningRateScheme.warmup: warmup,
    LearningRateScheme.one_cycle: one_cycle,
}


def _warmed(scheme: Scheme, steps: float) -> Scheme:
    return lambda clock: scheme(clock) * min(1.0, (clock.step + 1) / steps)


def _bend(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, part))) / 2


def _kind(name: object) -> LearningRateScheme:
    if isinstance(name, str):
        if name not in LearningRateScheme.__members__:
            raise unknown("learning-rate scheme", name, LearningRateScheme.__members__)
        return LearningRateScheme[name]
    try:
        return LearningRateScheme(name)  # type: ignore[arg-type]
    except ValueError:
        raise unknown("learning-rate scheme", repr(name), LearningRateScheme.__members__) from None


def _misfit(kind: LearningRateScheme, keys: Mapping[str, object]) -> Exception:
    import inspect

    known = inspect.signature(_MAKERS[kind]).parameters.values()
    names = [p.name for p in known if p.name != "base_lr"]
    for key in keys:
        if key not in names:
            return unknown(f"key of `{kind.name}`", key, ["name", "base_lr", *names, "warmup_steps"])
    missing = [p.name for p in known if p.name != "base_lr" and p.default is p.empty and p.name not in keys]
    return DataError(f"The scheme `{kind.name}` needs `{'`, `'.join(missing)}`.")
