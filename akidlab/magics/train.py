"""`%akid_train` and `%%akid_train`: train a kid here, or the very same cell on many ranks."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from akidlab import config
from akidlab.errors import AkidlabError, MagicError
from akidlab.magics import arguments, body, manifest, where
from akidlab.session import Cargo, Plan, Session, travel
from akidlab.session.waiting import Watched, summary


@magics_class
class TrainMagics(Magics):
    """The magics that train."""

    @line_cell_magic
    @magic_arguments()
    @argument("kid", nargs="?", help="the variable of the kid; `kid`, or the only one, if left out")
    @argument("--steps", metavar="N", help="train N steps more, instead of as many as the kid was told")
    @argument("--epochs", metavar="N", help="train N epochs more")
    @argument("-np", "--np", metavar="N", help="train on N ranks, which stay warm for the next cell")
    @argument("-H", "--hosts", metavar="H", help="the ranks run on these hosts, over ssh, as in a:2,b:2")
    @argument("--ssh-port", metavar="N", help="where the sshd of the hosts listen")
    @argument("--ssh-identity-file", metavar="F", help="the key for ssh")
    @argument("--network-interface", metavar="I", help="what the hosts talk over, such as eth0")
    @argument("--min-np", metavar="N", help="go on with as few as N ranks, if hosts are lost")
    @argument("--max-np", metavar="N", help="go on with as many as N ranks, if hosts come")
    @argument("--discover", metavar="S", help="a script that prints the hosts there are, as a:2 in a line")
    @argument("--launcher", metavar="L", help="what starts ranks: horovod, the default, or torch")
    @argument("--name", metavar="R", help="what the run is called; by default as the kid is")
    @argument("--lr", metavar="X", help="begin with this learning rate; a scheme that has ended keeps it")
    @argument("--resume", metavar="R", help="go on from the newest checkpoint of the run R")
    @argument("--from", dest="start", metavar="R@N", help="begin a run of its own at step N of the run R")
    @argument("--keep", metavar="K", help="checkpoints that stay: the last K; K,N,B: at most N, and B as 4GB")
    @argument(
        "--watch",
        metavar="T",
        help="look inside: all, or topics such as weights,gradients,activations; or none",
    )
    @argument("--every", metavar="N", help="look at every N-th step; 10 by default")
    @argument("--exact", action="store_true", help="percentiles of all elements, not of a sample")
    @argument("--budget", metavar="P", help="look as often as takes this share of the time, such as 2%%")
    @argument(
        "--metrics", metavar="M", nargs="+", help="compute, as norm:weights or ratio:weight_updates,weights"
    )
    @argument("--guard", choices=("stop", "pause", "warn", "off"), help="what to do at NaN or infinity")
    @argument("--commit-every", metavar="N", help="on ranks: lose at most N steps if one of them is lost")
    @argument("--max-restarts", metavar="N", help="on ranks: go on after N losses at most; 3 by default")
    @argument(
        "--tensorboard", action="store_true", help="write TensorBoard files into the folder of the run, too"
    )
    @argument("--background", action="store_true", help="return at once; the dashboard goes on")
    @argument("--no-dashboard", action="store_true", help="show no dashboard")
    @argument("--manifest", metavar="F", help="write what a cluster runs, to the folder or the *.yaml F")
    def akid_train(self, line: str, cell: str | None = None) -> None:
        """Train a kid and watch it learn.

        As a line, it trains a kid that is there:

            %akid_train kid --steps 500

        As a cell, its body makes the kid; with `-np`, the same cell trains on ranks:

            %%akid_train -np 2
            kid = Kid(FeedSensor(DigitsSource()), LeNet(), MomentumKongFu(0.05), max_steps=500)

        What is watched, and how NaN is guarded against, the kid remembers: a later `%akid_train kid` looks
        at the same, until `--watch none` or `kid.unwatch()`. What metrics there are, and what each publishes,
        says `akidlab.metrics.describe()`; the tab key knows their names.

        A run may begin where another one was: `--from digits@100` takes the checkpoint of step 100, or the
        one before, of the run `digits`; the new run is a child of it.

        The dashboard pauses, steps and stops it, and moves it to ranks or home, as `kid.move(2)` does.
        Interrupting the kernel stops it, too, after the step it is in: saved, and the kid goes on when it is
        trained again.
        """
        __tracebackhide__ = True
        if arguments.shows_help(self.akid_train, line):
            return
        asked = arguments.read(self.akid_train, line)
        if asked.manifest is not None:
            return manifest.write(self._shell, asked, line, cell)
        plan = _plan(asked)
        ranks = arguments.whole("-np", asked.np)
        asked.launcher = arguments.launcher(asked.launcher)
        where.where(asked)  # what is wrong with it is said at once
        if ranks is None and asked.launcher is not None:
            raise MagicError("`--launcher` is for ranks: say how many, as in `-np 2`.")
        train = self._here if ranks is None else self._on_ranks
        with arguments.plainly():
            plan.earlier()  # a run that is not there is said before the cell does anything
            training = train(asked, plan, ranks, line, cell)
        if not asked.background and not config.quiet():
            print(summary(training))

    def _here(
        self, asked: argparse.Namespace, plan: Plan, ranks: int | None, line: str, cell: str | None
    ) -> Watched:
        __tracebackhide__ = True
        cargo = None
        if cell is None:
            _, kid = body.named(self._shell, asked.kid)
        else:
            before, whole = body.kids(self._shell.user_ns), body.with_first_line(line, cell)
            source, filename = self._shell.transform_cell(whole), self._filename()
            body.run(self._shell, whole)
            variable, kid = body.made(self._shell, asked.kid, before, source)
            cargo = partial(self._cargo, variable, source, filename)
        return Session.current().train(kid, plan, cargo=cargo, code=self._code, **_manner(asked))

    def _on_ranks(
        self, asked: argparse.Namespace, plan: Plan, ranks: int | None, line: str, cell: str | None
    ) -> Watched:
        __tracebackhide__ = True
        assert ranks is not None
        session, place = Session.current(), where.where(asked)
        if cell is None:
            variable, kid = body.named(self._shell, asked.kid)
            luggage = travel.pack_names({"kid": kid}, self._home)
            cargo = Cargo("kid", luggage.data)
        else:
            whole = body.with_first_line(line, cell)
            source, filename = self._shell.transform_cell(whole), self._filename()
            try:
                luggage = travel.pack_for(source, self._home, filename)
            except SyntaxError as error:
                raise body.not_python(self._shell, error) from None
            before = body.kids(self._shell.user_ns)
            session.pool(
                ranks, asked.launcher, where=place
            )  # the ranks get ready while the body makes the notebook's kid
            body.run(self._shell, whole)
            variable, kid = body.made(self._shell, asked.kid, before, source)
            cargo = Cargo(variable, luggage.data, source, filename)
        return session.dispatch(
            ranks, cargo, kid, plan, launcher=asked.launcher, where=place, code=self._code, **_manner(asked)
        )

    def _cargo(self, variable: str, source: str, filename: str) -> Cargo:
        """The cell, for ranks that are to make its kid later."""
        return Cargo(variable, travel.pack_for(source, self._home, filename).data, source, filename)

    @property
    def _code(self) -> str | None:
        """The cell that runs now, as it was written."""
        history = getattr(self._shell.history_manager, "input_hist_raw", [])
        return body.without_secrets(history[-1]) if len(history) > 1 else None

    def _filename(self) -> str:
        return f"Cell In[{self._shell.execution_count}]"

    @property
    def _home(self) -> dict[str, Any]:
        """The namespace whose functions travel whole."""
        return self._shell.user_module.__dict__

    @property
    def _shell(self) -> Any:
        assert self.shell is not None
        return self.shell


def _plan(asked: argparse.Namespace) -> Plan:
    return Plan(
        steps=arguments.whole("--steps", asked.steps),
        epochs=arguments.number("--epochs", asked.epochs, positive=True),
        lr=arguments.number("--lr", asked.lr),
        resume=asked.resume,
        start=asked.start,
        keep=arguments.keep(asked.keep),
        watch=_watch(asked),
        guard=asked.guard,
        survival=_survival(asked),
    )


def _survival(asked: argparse.Namespace) -> dict[str, int]:
    """What happens when a rank is lost, where that was said.

    Raises:
        MagicError: if there are no ranks to lose.
    """
    restarts = arguments.number("--max-restarts", asked.max_restarts)
    found = {
        "commit_every": arguments.whole("--commit-every", asked.commit_every),
        "max_restarts": None if restarts is None else int(restarts),
    }
    told = {name: value for name, value in found.items() if value is not None}
    if told and asked.np is None:
        option = next(iter(told)).replace("_", "-")
        raise MagicError(f"`--{option}` is about ranks: say how many with `-np 2`, or leave it out.")
    return told


def _watch(asked: argparse.Namespace) -> dict[str, Any]:
    """What differs from how the kid is watched anyway.

    Raises:
        MagicError: if there is no such topic or metric.
    """
    found: dict[str, Any] = {
        "topics": tuple(asked.watch.split(",")) if asked.watch else None,
        "every": arguments.whole("--every", asked.every),
        "exact": asked.exact or None,
        "budget": arguments.share("--budget", asked.budget),
        "metrics": tuple(asked.metrics or ()) or None,
    }
    told = {name: value for name, value in found.items() if value is not None}
    if told:
        from akidlab.watching import WatchOptions

        try:
            WatchOptions(**told)
        except AkidlabError as error:
            raise MagicError(*error.args) from None
    return told


def _manner(asked: argparse.Namespace) -> dict[str, Any]:
    return {
        "name": asked.name,
        "background": asked.background,
        "dashboard": not asked.no_dashboard,
        "tensorboard": asked.tensorboard,
    }
