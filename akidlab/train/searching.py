"""Searching beyond a grid: Optuna chooses the parameters of each instance by what came out before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from akidlab.train.slots import Slots
from akidlab.train.study import Study
from akidlab.train.tuner import told

if TYPE_CHECKING:
    import optuna
    import pandas

    from akidlab.train.space import Space


def search(
    template: Any,
    opt_space: Space = None,
    net_space: Space = None,
    trials: int = 20,
    *,
    metric: str = "validation_loss",
    direction: str | None = None,
    sampler: optuna.samplers.BaseSampler | None = None,
    pruner: optuna.pruners.BasePruner | str | None = "median",
    gpu_num_per_instance: int = 1,
    name: str = "search",
    resume: bool = False,
    slots: int | None = None,
    gpus: Sequence[str | int] | None = None,
    seed: int = 0,
) -> pandas.DataFrame:
    """Look for the parameters with which a kid learns best, guided by what was found before.

    An instance is a process and a run, as `tune` makes them. After each of its validations it is judged
    whether it can still become one of the better ones; if not, it ends there, `pruned`. On one slot the same
    seed finds the same; on several, what is known when a trial begins depends on how quick the others are.

    Args:
        template: what makes the kid of an instance, as for `tune`.
        opt_space: what to choose the parameters of the optimisation from: `{"lr": (1e-4, 0.1, "log"),
            "momentum": (0.0, 0.99), "nesterov": [True, False]}`. A list is a choice, a tuple lies between. Or
            a function that is given a trial of Optuna and returns the parameters.
        net_space: the same, for the network.
        trials: how many instances.
        metric: what is judged: the best value that this validation series reaches.
        direction: `min` or `max`; by default by the name: losses and errors fall, all else rises.
        sampler: what chooses; by default Optuna's tree-structured Parzen estimators, seeded.
        pruner: what ends hopeless instances, one of Optuna; None to let all train to their end.
        gpu_num_per_instance: GPUs of an instance; 0 to train on the CPU.
        name: what the search is called.
        resume: True to go on with the search of this name, up to `trials` in all.
        slots: how many train on the CPU at once.
        gpus: the GPUs to use; by default all that this process sees.
        seed: that of the sampler and of every kid.

    Returns:
        A table with one line for each trial, in their order; `value` is what was judged.

    Raises:
        TuningError: if this cannot work: nothing has started then.
        UnknownNameError: if the kids have no such metric.
        MissingPackageError: if Optuna is not installed.

    Warns:
        TuningWarning: if instances failed, with their tracebacks.

    Example:
        >>> found = search(setup, {"lr": (1e-4, 0.1, "log")}, trials=20)  # doctest: +SKIP
        >>> found.loc[found.value.idxmin(), "lr"]  # doctest: +SKIP
        0.0312
    """
    gpu_num = gpu_num_per_instance
    study = Study(opt_space, net_space, trials, metric, direction, sampler, pruner, gpu_num, seed)
    tuning = study.tuning(template, name=name, resume=resume, slots=Slots(gpus, slots))
    tuning.run()
    return study.table(told(tuning.look()))
