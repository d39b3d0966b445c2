"""Spaces: what a search may choose each parameter from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from akidlab.errors import MissingPackageError, TuningError

if TYPE_CHECKING:
    import optuna

    Space = Mapping[str, Any] | Callable[[optuna.Trial], Mapping[str, Any]] | None


def import_optuna():  # the module itself has no type
    """optuna, or an error that says how to get it."""
    try:
        import optuna
    except ImportError as error:
        raise MissingPackageError("Optuna is not installed. Install it with: pip install optuna") from error
    return optuna


def check_space(name: str, space: Space) -> None:
    """Raise a TuningError if `space` is none.

    Example:
        >>> check_space("opt_space", {"lr": (1e-4, 0.1, "log"), "momentum": [0.5, 0.9]})
    """
    if space is None or callable(space):
        return
    if not isinstance(space, Mapping):
        raise TuningError(f"`{name}` is a dict of choices, or a function of the trial; found {space!r:.80}.")
    for key, choices in space.items():
        _distribution(key, choices)


def draw(trial: optuna.Trial, space: Space, prefix: str = "") -> dict[str, Any]:
    """A value for each parameter.

    Args:
        trial: what chooses.
        space: of each parameter a list to choose from; `(low, high)` for a number between, both included,
            whole if both are; `(low, high, "log")` for one whose magnitude is chosen; or a distribution of
            Optuna. Or a function of the trial, which returns the parameters.
        prefix: what the trial calls them by before their names.
    """
    if space is None:
        return {}
    if callable(space):
        return dict(space(trial))
    found = {}
    for key, choices in space.items():
        distribution, values = _distribution(key, choices)
        chosen = _suggested(trial, f"{prefix}{key}", distribution)
        found[key] = chosen if values is None else values[chosen]
    return found


def _suggested(trial: optuna.Trial, name: str, distribution: optuna.distributions.BaseDistribution) -> Any:
    distributions = import_optuna().distributions
    if isinstance(distribution, distributions.FloatDistribution):
        low, high = distribution.low, distribution.high
        return trial.suggest_float(name, low, high, step=distribution.step, log=distribution.log)
    if isinstance(distribution, distributions.IntDistribution):
        low, high = distribution.low, distribution.high
        return trial.suggest_int(name, low, high, step=distribution.step, log=distribution.log)
    assert isinstance(distribution, distributions.CategoricalDistribution)
    return trial.suggest_categorical(name, distribution.choices)


def _distribution(key: str, choices: Any) -> tuple[optuna.distributions.BaseDistribution, list[Any] | None]:
    """Where Optuna draws from and, where it draws a number that stands for a value, the values."""
    distributions = import_optuna().distributions
    if isinstance(choices, distributions.BaseDistribution):
        return choices, None
    if isinstance(choices, tuple):
        return _between(key, choices), None
    if isinstance(choices, (list, range)) and len(choices):
        values = list(choices)
        if all(value is None or isinstance(value, (bool, int, float, str)) for value in values):
            return distributions.CategoricalDistribution(values), None
        return distributions.CategoricalDistribution(list(range(len(values)))), values  # classes, tuples, ...
    raise TuningError(f"`{key}` may be a list of choices or a tuple `(low, high)`; found {choices!r:.80}.")


def _between(key: str, bounds: tuple[Any, ...]) -> optuna.distributions.BaseDistribution:
    distributions = import_optuna().distributions
    ends, how = bounds[:2], bounds[2:]
    numbers = [end for end in ends if isinstance(end, (int, float)) and not isinstance(end, bool)]
    if (
        len(numbers) != 2
        or numbers[0] >= numbers[1]
        or how not in ((), ("log",))
        or (how and numbers[0] <= 0)
    ):
        raise TuningError(
            f"`{key}` may be a tuple `(low, high)` with low below high, or `(low, high, 'log')` with both "
            f"above 0; found {bounds!r:.80}. A list stands for single choices."
        )
    low, high = numbers
    if isinstance(low, int) and isinstance(high, int):
        return distributions.IntDistribution(low, high, log=bool(how))
    return distributions.FloatDistribution(low, high, log=bool(how))
