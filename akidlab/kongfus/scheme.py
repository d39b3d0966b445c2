"""Learning-rate schemes: the rate as a function of the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from akidlab.errors import DataError, unknown
from akidlab.kongfus.check import at_least_zero
from akidlab.kongfus.curves import Scheme, Warmed, cosine, exp_decay, one_cycle, step, warmup
from akidlab.kongfus.plateau import Plateau


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
    | `plateau` | falls by `decay_rate` when validations get no better | `patience=10`, `decay_rate=0.1`, `metric="validation_loss"`, `threshold=1e-4`, `cooldown=0`, `min_lr=0` |
    """  # noqa: E501  (a table)

    exp_decay = 1
    placeholder = 2
    step = 3
    cosine = 4
    warmup = 5
    one_cycle = 6
    plateau = 7


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
    rise = 0 if kind is LearningRateScheme.warmup else keys.pop("warmup_steps", 0)
    try:
        scheme = _MAKERS[kind](base, **keys)
    except TypeError:
        raise _misfit(kind, keys) from None
    return base, Warmed(scheme or (lambda clock: base), rise) if rise else scheme


class Told:
    """A scheme as it is written: by the names of schemes and functions.

    Args:
        wanted: a dictionary or a function.
    """

    def __init__(self, wanted: Mapping[str, Any] | Scheme) -> None:
        self.wanted = wanted

    def __repr__(self) -> str:
        if callable(self.wanted):
            return getattr(self.wanted, "__name__", None) or repr(self.wanted)
        plain = {k: v.name if isinstance(v, LearningRateScheme) else v for k, v in self.wanted.items()}
        return repr(plain)


def hearing(scheme: Scheme | None) -> Plateau | None:
    """The part of a scheme that wants to hear of validations, if it has one."""
    scheme = scheme.scheme if isinstance(scheme, Warmed) else scheme
    return scheme if isinstance(scheme, Plateau) else None


def _placeholder(base_lr: float) -> None:
    return None


_MAKERS: dict[LearningRateScheme, Callable[..., Scheme | None]] = {
    LearningRateScheme.exp_decay: exp_decay,
    LearningRateScheme.placeholder: _placeholder,
    LearningRateScheme.step: step,
    LearningRateScheme.cosine: cosine,
    LearningRateScheme.warmup: warmup,
    LearningRateScheme.one_cycle: one_cycle,
    LearningRateScheme.plateau: Plateau,
}


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
