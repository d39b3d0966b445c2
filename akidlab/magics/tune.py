"""`%akid_tune` and `%%akid_tune`: train a template, or the very same cell, for many parameters at once."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from akidlab import config
from akidlab.errors import MagicError, TuningError
from akidlab.magics import arguments, body
from akidlab.magics.axes import axes

LISTS = {"opt_paras": "opt_paras_list", "net_paras": "net_paras_list"}


@magics_class
class TuneMagics(Magics):
    """The magics that tune."""

    @no_var_expand  # braces are Python here
    @line_cell_magic
    @magic_arguments()
    @argument(
        "template", nargs="?", help="the function, or jinja2 text, that makes a kid; a cell makes its own"
    )
    @argument("--repeat", metavar="N", help="train each N times, with other seeds")
    @argument("--trials", metavar="N", help="let Optuna choose N times; a tuple `(low, high)` lies between")
    @argument("--metric", metavar="M", help="what is judged; `validation_loss` if left out")
    @argument("--gpus", metavar="N", help="GPUs of each; 0 to train on the CPU")
    @argument("--slots", metavar="N", help="train so many at once on the CPU")
    @argument("--seed", metavar="N", help="the seed of the first repeat")
    @argument("--name", metavar="R", help="what the tuning is called")
    @argument("--resume", metavar="R", help="go on with the tuning R")
    @argument("--out", metavar="V", default="results", help="the variable that gets the table")
    @argument("--no-progress", action="store_true", help="show nothing while it runs")
    def akid_tune(self, line: str, cell: str | None = None) -> Any:
        """Train a kid for every combination of parameters, each in a process of its own.

        As a line, a function of the notebook makes the kids:

            %akid_tune setup lr=[0.1, 0.01] width=[8, 16] --repeat 2

        As a cell, its body makes them; the parameters are ordinary names in it:

            %%akid_tune lr=[0.1, 0.01]
            kid = Kid(FeedSensor(DigitsSource()), LeNet(), MomentumKongFu(lr), max_steps=500)

        With `--trials`, Optuna chooses: lists are choices, tuples lie between:

            %akid_tune setup lr=(1e-4, 0.1, "log") width=[8, 16] --trials 20

        The table is in `results` afterwards, every instance a run of the store. Interrupting the kernel stops
        them all, saved; `--resume` goes on.
        """
        __tracebackhide__ = True
        if arguments.shows_help(self.akid_tune, line):
            return None
        found, rest = axes(line)
        asked = arguments.read(self.akid_tune, rest)
        template = self._template(asked, line, cell)
        paras = {name: self._value(name, text) for name, text in found.items()}
        try:
            tuning, table_of = _prepared(asked, template, paras, self._home)
        except TuningError as error:
            raise MagicError(str(error)) from None
        with arguments.plainly():
            table = self._run(tuning, table_of, asked)
        self._shell.user_ns[asked.out] = table
        return table if cell is None else None  # a cell cannot assign it

    def _run(self, tuning: Any, table_of: Any, asked: argparse.Namespace) -> Any:
        __tracebackhide__ = True
        from akidlab.train.tuner import failures
        from akidlab.widgets.tuning import TuningView

        view = TuningView(tuning.name, tuning.look, tuning.total, metric=tuning.metric, higher=tuning.higher)
        begun = time.monotonic()
        try:
            if asked.no_progress:
                tuning.run()
            else:
                with view:
                    tuning.run()
        except KeyboardInterrupt:  # its processes have stopped, saved
            _say(f"Interrupted. The same line with `--resume {tuning.name}` goes on.")
        rows = tuning.look()
        if failed := failures(rows):
            sys.stderr.write(f"{failed}\n")
        _say(f"{view.line(rows)}; {time.monotonic() - begun:.1f} s. The table is in `{asked.out}`.")
        return table_of(rows)

    def _template(self, asked: argparse.Namespace, line: str, cell: str | None) -> Any:
        from akidlab.train.template import TextTemplate

        if not asked.out.isidentifier():
            raise MagicError(f"`--out` is the name of a variable, found `{asked.out}`.")
        if cell is None:
            if asked.template is None:
                raise MagicError("Name the function that makes a kid: `%akid_tune setup lr=[0.1, 0.01]`.")
            return self._value("the template", asked.template)
        if asked.template is not None:
            raise MagicError(f"`{asked.template}` is too much: the cell itself makes the kid.")
        source = self._shell.transform_cell(body.with_first_line(line, cell, "akid_tune"))
        filename = f"Cell In[{self._shell.execution_count}]"
        return TextTemplate(source, self._home, filename=filename, is_jinja=False)

    def _value(self, name: str, text: str) -> Any:
        try:
            return self._shell.ev(text)
        except Exception as error:  # whatever the user wrote raises
            raise MagicError(
                f"`{name}`: `{text}` cannot be evaluated: {type(error).__name__}: {error}"
            ) from None

    @property
    def _home(self) -> dict[str, Any]:
        return self._shell.user_module.__dict__

    @property
    def _shell(self) -> Any:
        assert self.shell is not None
        return self.shell


def _prepared(
    asked: argparse.Namespace, template: Any, paras: dict[str, Any], home: dict[str, Any]
) -> tuple[Any, Any]:
    """The tuning that is meant, and what makes the table of its rows."""
    from akidlab.train.instance import grid
    from akidlab.train.progress import table
    from akidlab.train.slots import Slots
    from akidlab.train.study import Study
    from akidlab.train.tuner import prepare

    repeat, trials = arguments.whole("--repeat", asked.repeat), arguments.whole("--trials", asked.trials)
    seed, gpus = arguments.number("--seed", asked.seed), arguments.number("--gpus", asked.gpus)
    if asked.resume is not None and asked.name not in (None, asked.resume):
        raise MagicError("Say `--name` or `--resume`, not both.")
    if repeat is not None and trials is not None:
        raise MagicError("Say `--repeat` or `--trials`, not both.")
    if asked.metric is not None and trials is None:
        raise MagicError("`--metric` belongs to `--trials`.")
    whole = {name: paras.pop(name) for name in LISTS if name in paras}
    told = {
        "name": asked.resume or asked.name or ("tuning" if trials is None else "search"),
        "resume": asked.resume is not None,
        "slots": Slots(shares=arguments.whole("--slots", asked.slots)),
        "home": home,
    }
    gpu_num, seed = 1 if gpus is None else int(gpus), int(seed or 0)
    if trials is None:
        if paras and "opt_paras" in whole:
            raise MagicError("Give `opt_paras=...` or parameters by name, not both.")
        lists = {LISTS[name]: value for name, value in whole.items()}
        if paras:
            lists["opt_paras_list"] = {name: _many(value) for name, value in paras.items()}
        return prepare(
            template, grid(**lists, repeat_times=repeat or 1, gpu_num_per_instance=gpu_num, seed=seed), **told
        ), table
    metric = asked.metric or "validation_loss"
    study = Study(
        whole.get("opt_paras", paras or None), whole.get("net_paras"), trials, metric, gpus=gpu_num, seed=seed
    )
    return study.tuning(template, **told), lambda rows: study.table(table(rows))


def _many(value: Any) -> Any:
    return (
        [value] if isinstance(value, (str, int, float, bool)) or value is None or callable(value) else value
    )


def _say(text: str) -> None:
    if not config.quiet():
        print(text)
