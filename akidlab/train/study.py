"""A Study: a search as it goes on, between Optuna, which chooses, and the tuning, which trains."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from akidlab.errors import TuningError, UnknownNameError, unknown
from akidlab.store import Run, Store
from akidlab.store.series import import_pandas
from akidlab.train import ledger
from akidlab.train.instance import Instance
from akidlab.train.slots import Slots
from akidlab.train.space import check_space, draw, import_optuna
from akidlab.train.tuner import entry_of, prepare
from akidlab.train.tuning import Entry, Tuning

if TYPE_CHECKING:
    import optuna
    import pandas

    from akidlab.train.space import Space


class Study:
    """A search as it goes on.

    Args:
        opt_space: what to choose the parameters of the optimisation from.
        net_space: the same, for the network.
        trials: how many instances.
        metric: what is judged.
        direction: `min`, `max`, or None to tell by the name.
        sampler: what chooses.
        pruner: what ends hopeless instances.
        gpus: GPUs of an instance.
        seed: that of the sampler and of every kid.

    Raises:
        TuningError: if a space or a number makes no sense.
    """

    def __init__(
        self,
        opt_space: Space,
        net_space: Space,
        trials: int,
        metric: str = "validation_loss",
        direction: str | None = None,
        sampler: optuna.samplers.BaseSampler | None = None,
        pruner: optuna.pruners.BasePruner | str | None = "median",
        gpus: int = 1,
        seed: int = 0,
    ) -> None:
        from akidlab.kids.best import higher_is_better

        self._optuna = import_optuna()
        check_space("opt_space", opt_space)
        check_space("net_space", net_space)
        if opt_space is None and net_space is None:
            raise TuningError("There is nothing to search: give `opt_space` or `net_space`.")
        if not isinstance(trials, int) or trials < 1:
            raise TuningError(f"`trials` is a whole number of 1 or more, found {trials!r}.")
        if direction not in ("min", "max", None):
            raise TuningError(f"`direction` is `min` or `max`, found {direction!r}.")
        self.opt_space, self.net_space, self.trials = opt_space, net_space, trials
        self.metric, self.gpus, self.seed = metric, gpus, seed
        self.higher = higher_is_better(metric) if direction is None else direction == "max"
        self._prunes = pruner is not None
        self._sampler, self._pruner = sampler, pruner
        self._lock = threading.Lock()
        self._of: dict[Entry, optuna.Trial] = {}
        self._study = self._new_study()

    def tuning(self, template: Any, *, name: str, resume: bool, slots: Slots, home: Any = None) -> Tuning:
        """The tuning that trains what this study asks for."""
        trial = self._new_study().ask()  # of another study, to see whether all of this fits
        instances = [self._instance(0, trial)]
        tuning = prepare(template, instances, name=name, resume=resume, slots=slots, home=home)
        tuning.entries.clear()
        again = self._recall(tuning) if resume else []
        tuning.total, tuning.coming, tuning.gpus = self.trials, lambda: self._coming(tuning, again), self.gpus
        tuning.metric, tuning.higher = self.metric, self.higher
        tuning.consult, tuning.on_end = self._consult if self._prunes else None, self._end
        return tuning

    def table(self, found: pandas.DataFrame) -> pandas.DataFrame:
        """The table of a tuning with the value of each trial, where it has one."""
        store = Store()
        values = [None if name is None else self._best_of(store.run(name)) for name in found["run"]]
        column = [math.nan if value is None else value for value in values]
        place = list(found.columns).index("repeat")
        found.insert(place, "value", import_pandas().Series(column, index=found.index, dtype=float))
        return found.drop(columns=["repeat"])

    def _new_study(self) -> optuna.Study:
        optuna = self._optuna
        pruner = self._pruner
        if isinstance(pruner, str):
            if pruner != "median":
                raise TuningError(f"`pruner` is `median`, a pruner of Optuna, or None; found {pruner!r}.")
            pruner = optuna.pruners.MedianPruner()
        with _quietly(optuna):
            return optuna.create_study(
                direction="maximize" if self.higher else "minimize",
                sampler=self._sampler or optuna.samplers.TPESampler(seed=self.seed),
                pruner=pruner or optuna.pruners.NopPruner(),
            )

    def _coming(self, tuning: Tuning, again: list[Entry]) -> Iterator[Callable[[], Entry]]:
        yield from (lambda entry=entry: entry for entry in again)
        while len(tuning.entries) < self.trials:
            yield lambda: self._ask(tuning)

    def _ask(self, tuning: Tuning) -> Entry:
        with self._lock, _quietly(self._optuna):
            trial = self._study.ask()
            index = 1 + max((entry.instance.index for entry in tuning.entries), default=-1)
            entry = Entry(self._instance(index, trial))
            self._of[entry] = trial
        tuning.entries.append(entry)
        return entry

    def _instance(self, index: int, trial: optuna.Trial) -> Instance:
        opt = draw(trial, self.opt_space)
        net = draw(trial, self.net_space, "net." if self.opt_space is not None else "")
        to_json = self._optuna.distributions.distribution_to_json
        told = {
            "params": trial.params,
            "distributions": {name: to_json(kind) for name, kind in trial.distributions.items()},
        }
        return Instance(index, 0, opt, net, self.seed, self.gpus, {"trial": told})

    def _consult(self, entry: Entry, step: int, values: dict[str, float]) -> bool:
        if self.metric not in values:
            raise unknown("validation metric", self.metric, values)
        with self._lock:
            trial = self._of[entry]
            trial.report(values[self.metric], step)
            return not trial.should_prune()

    def _end(self, entry: Entry) -> None:
        """Tell the study what came of an instance."""
        assert entry.run is not None
        states = self._optuna.trial.TrialState
        status, value = ledger.outcome(entry.run), self._best_of(entry.run)
        if status == "finished" and value is None:
            known = [tag for tag in entry.run.tags() if tag.startswith("validation_")]
            if self.metric not in known:
                raise unknown("validation metric", self.metric, known)
        with self._lock, _quietly(self._optuna):
            if status == "finished" and value is not None:
                self._study.tell(self._of[entry], value)
            elif status == "pruned":
                self._study.tell(self._of[entry], state=states.PRUNED)
            elif status != "stopped":
                self._study.tell(self._of[entry], state=states.FAIL)

    def _best_of(self, run: Run) -> float | None:
        """The best that the series reached after the first step."""
        values = [value for _, value in self._series(run)]
        return (max if self.higher else min)(values) if values else None

    def _series(self, run: Run) -> list[tuple[int, float]]:
        try:
            series = run.scalars(self.metric)
        except UnknownNameError:
            return []
        pairs = zip(series.steps.tolist(), series.values.tolist(), strict=True)
        return [(step, value) for step, value in pairs if step > 0 and math.isfinite(value)]

    def _recall(self, tuning: Tuning) -> list[Entry]:
        """Tell the study what was found before; gives what has to go on."""
        for instance, run in ledger.runs_of(tuning.store, tuning.name):
            if "trial" not in instance.more:
                raise TuningError(f"`{tuning.name}` is no search; `tune(..., resume=True)` goes on with it.")
            entry = entry_of(instance, run)
            entry.run, entry.is_over = run, entry.is_over or not entry.resume  # what failed, failed
            tuning.entries.append(entry)
            with _quietly(self._optuna):
                (self._know if entry.is_over else self._ask_again)(entry, run)
        return [entry for entry in tuning.entries if not entry.is_over]

    def _know(self, entry: Entry, run: Run) -> None:
        """Let the study know a trial that is over."""
        states = self._optuna.trial.TrialState
        status, value = ledger.outcome(run), self._best_of(run)
        state = states.PRUNED if status == "pruned" else states.FAIL
        if status == "finished" and value is not None:
            state = states.COMPLETE
        params, distributions = self._drawn(entry.instance)
        trial = self._optuna.trial.create_trial(
            state=state,
            value=value if state == states.COMPLETE else None,
            params=params,
            distributions=distributions,
            intermediate_values=dict(self._series(run)),
        )
        self._study.add_trial(trial)

    def _ask_again(self, entry: Entry, run: Run) -> None:
        """Have the study ask for a trial again that was stopped."""
        params, distributions = self._drawn(entry.instance)
        self._study.enqueue_trial(params)
        self._of[entry] = trial = self._study.ask(distributions)
        for step, value in self._series(run):
            trial.report(value, step)

    def _drawn(self, instance: Instance) -> tuple[dict[str, Any], dict[str, Any]]:
        told, from_json = instance.more["trial"], self._optuna.distributions.json_to_distribution
        return told["params"], {name: from_json(kind) for name, kind in told["distributions"].items()}


@contextmanager
def _quietly(optuna: Any) -> Iterator[None]:
    """Optuna writes a line for each trial to the standard error; the table says it better."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
