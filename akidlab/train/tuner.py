"""The tuner: trains every combination of parameters, each in a process of its own, and gives a table."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from akidlab.errors import TuningError
from akidlab.store import Store
from akidlab.store.series import import_pandas
from akidlab.train import ledger
from akidlab.train.instance import Instance, Paras, grid
from akidlab.train.progress import Progress, progress, table
from akidlab.train.slots import Slots
from akidlab.train.template import Template
from akidlab.train.tuning import Entry, Tuning

if TYPE_CHECKING:
    import pandas

TOLD = 3  # failures that are told with their tracebacks


class TuningWarning(UserWarning):
    """Some instances of a tuning failed."""


def tune(
    template: Any,
    opt_paras_list: Sequence[Paras] | Mapping[str, Sequence[Any]] = ({},),
    net_paras_list: Sequence[Paras] | Mapping[str, Sequence[Any]] = ({},),
    repeat_times: int = 1,
    gpu_num_per_instance: int | Sequence[int | None] | None = 1,
    debug: bool = False,
    *,
    name: str = "tuning",
    resume: bool = False,
    slots: int | None = None,
    gpus: Sequence[str | int] | None = None,
    seed: int = 0,
) -> pandas.DataFrame:
    """Train every combination of `opt_paras_list` and `net_paras_list`, `repeat_times` times.

    Each instance is a process of its own and a run of the store, called `<name>.<number>`. It takes as many
    GPUs as it wants; where there are none, a slot of the CPU. One that fails is told of; the others go on.
    Interrupted (by Ctrl-C, or because the kernel dies), they stop after their step, saved, and `resume=True`
    goes on.

    Args:
        template: what makes the kid of an instance. A function of the notebook, which takes `opt_paras` and
            `net_paras`, or their parameters by name (`seed` and `repeat`, too, if it likes), and returns a
            kid; what it reads of the notebook travels with it. Or a jinja2 text of Python that defines
            `setup`, or binds `kid`, and holds `{{ opt_paras["lr"] }}` and the like.
        opt_paras_list: dicts of parameters; or a dict of lists, which stands for all their combinations.
        net_paras_list: the same, for the network.
        repeat_times: how often each combination is trained; each repeat has a seed of its own, and so other
            weights and another order of the data.
        gpu_num_per_instance: GPUs of an instance, or a list with a number for each; 0 or None to train on
            the CPU.
        debug: True to train them here, one after another, where a debugger can stop; an error is raised.
        name: what the tuning is called.
        resume: True to go on with the tuning of this name: what is finished stays, what was stopped goes on
            from its last checkpoint, what failed begins anew.
        slots: how many train on the CPU at once; by default as many as there are cores (and GiB of memory).
        gpus: the GPUs to use; by default all that this process sees, `[]` for none.
        seed: that of the first repeat.

    Returns:
        A table with one line for each instance, in the order of repeats, `opt_paras_list`, `net_paras_list`:
        parameters, status, the last losses and evaluations, and the name of its run.

    Raises:
        TuningError: if this cannot work: nothing has started then.
        MagicError: if the template needs a name that cannot travel to another process.
        KeyboardInterrupt: if it is interrupted, once its processes have stopped.

    Warns:
        TuningWarning: if instances failed, with their tracebacks.

    Example:
        >>> from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
        >>> from akidlab.models.brains import OneLayerBrain
        >>> def setup(lr, batch_size):
        ...     sensor = FeedSensor(DigitsSource(), batch_size=batch_size)
        ...     return Kid(sensor, OneLayerBrain(), MomentumKongFu(lr), max_steps=2)
        >>> found = tune(setup, {"lr": [0.1, 0.01]}, [{"batch_size": 16}], debug=True)
        >>> found[["lr", "batch_size", "status", "step"]].values.tolist()
        [[0.1, 16, 'finished', 2], [0.01, 16, 'finished', 2]]
    """
    tuning = prepare(
        template,
        grid(opt_paras_list, net_paras_list, repeat_times, gpu_num_per_instance, seed),
        name=name,
        resume=resume,
        slots=Slots(gpus, slots),
    )
    if debug:
        run_here(tuning)
    else:
        tuning.run()
    return told(tuning.look())


def prepare(
    template: Any, instances: list[Instance], *, name: str, resume: bool, slots: Slots, home: Any = None
) -> Tuning:
    """A tuning of `instances`, checked and ready to run.

    Raises:
        TuningError: if it cannot work.
    """
    import_pandas()  # said before hours of training, not after
    store, template = Store(), Template.of(template, home)
    for instance in instances:
        slots.check(instance.gpus)
        template.check(instance)
    if instances:
        template.recipe(instances[0])  # what cannot travel is said before anything starts
    known = {was.key: run for was, run in ledger.runs_of(store, name)} if resume else {}
    if resume and not known:
        raise TuningError(
            f"There is no tuning `{name}` to resume. There are: {', '.join(ledger.names(store)) or 'none'}."
        )
    name = name if resume else ledger.free_name(store, name)
    entries = [entry_of(instance, known.get(instance.key)) for instance in instances]
    return Tuning(template, name, entries, slots, store)


def entry_of(instance: Instance, run: Any) -> Entry:
    """An instance that may have had a run before: done, to be resumed, or to begin."""
    status = None if run is None else ledger.outcome(run)
    if run is not None and run.is_live:
        raise TuningError(f"The run `{run.name}` of this tuning is {status}. Wait for it, or stop it first.")
    if status in ledger.DONE:
        return Entry(instance, run, is_over=True)
    return Entry(instance) if status in (None, "failed") else Entry(instance, run, resume=True)


def run_here(tuning: Tuning) -> None:
    """Train the instances in this process, one after another.

    Raises:
        Exception: what the first that failed raised.
    """
    from akidlab.train.perform import perform_here

    for entry in tuning.entries:
        if not entry.is_over:
            entry.run = entry.run or ledger.open_run(tuning.store, tuning.name, entry.instance)
            perform_here(tuning.template, entry.instance, entry.run, entry.resume)
            entry.is_over, entry.code = True, 0


def results(name: str = "tuning") -> pandas.DataFrame:
    """The table of a tuning, from the store: while it runs, and a year later.

    Args:
        name: what the tuning is called.

    Raises:
        TuningError: if there is none of this name.
    """
    store = Store()
    rows = [progress(instance, run) for instance, run in ledger.runs_of(store, name)]
    if not rows:
        known = ", ".join(ledger.names(store)) or "none"
        raise TuningError(f"There is no tuning `{name}` in `{store.path}`. There are: {known}.")
    return table(rows)


def told(rows: list[Progress]) -> pandas.DataFrame:
    """The table of what came out, and a warning about what failed."""
    if text := failures(rows):
        warnings.warn(text, TuningWarning, stacklevel=3)
    return table(rows)


def failures(rows: list[Progress]) -> str:
    """What failed, with its tracebacks; nothing if nothing did."""
    failed = [row for row in rows if row.status == "failed"]
    if not failed:
        return ""
    store = Store()
    traces = [
        f"Instance {row.instance.index} ({row.instance}), run `{row.run}`:\n"
        f"{ledger.traceback_of(store.run(str(row.run)))}"
        for row in failed[:TOLD]
    ]
    more = [f"... and {len(failed) - TOLD} more."] if len(failed) > TOLD else []
    return "\n\n".join([f"{len(failed)} of {len(rows)} instances failed.", *traces, *more])
