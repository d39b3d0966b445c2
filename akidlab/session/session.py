"""The Session: what one kernel holds: its trainings, here or on ranks, and what shows them."""

from __future__ import annotations

import atexit
import contextvars
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from akidlab import config
from akidlab.errors import DispatchError, MagicError
from akidlab.session.moving import Manner, Voyage
from akidlab.session.notebook import shows
from akidlab.session.plan import Plan
from akidlab.session.training import Training
from akidlab.session.waiting import watch

if TYPE_CHECKING:
    from akidlab.dispatch import Pool
    from akidlab.dispatch.elastic import Where
    from akidlab.kids import Kid
    from akidlab.session.cells import RankNotebook
    from akidlab.session.dispatching import Cargo

_current: contextvars.ContextVar[Session] = contextvars.ContextVar("akidlab_session")
_of_the_kernel: list[Session] = []
BUSY = "Wait for it, or stop it first: the dashboard's stop button, or `kid.controls.send('stop')`."
PAUSED = "It is paused: the dashboard's button, or `kid.controls.send('resume')`, has it go on."


class Session:
    """What one kernel holds.

    Every kernel has one; `with Session() as session:` makes another the current one for a while.

    Example:
        >>> with Session() as session:
        ...     session is Session.current()
        True
    """

    def __init__(self) -> None:
        self.trainings: list[Voyage] = []
        self.pools: dict[tuple[int, str, str | None, str], Pool] = {}
        self.notebooks: dict[str, RankNotebook] = {}  # of pools, by their uids
        self._tokens: list[contextvars.Token[Session]] = []

    @staticmethod
    def current() -> Session:
        """The session that magics and widgets belong to now."""
        if not _of_the_kernel:
            _of_the_kernel.append(Session())
            atexit.register(_of_the_kernel[0].close)
        return _current.get(_of_the_kernel[0])

    @property
    def live(self) -> list[Voyage]:
        """The trainings that have not ended, oldest first."""
        self.trainings = [training for training in self.trainings if training.is_live]
        return self.trainings

    def train(
        self,
        kid: Kid,
        plan: Plan | None = None,
        *,
        name: str | None = None,
        background: bool = False,
        dashboard: bool = True,
        tensorboard: bool = False,
        cargo: Callable[[], Cargo] | None = None,
        code: str | None = None,
    ) -> Voyage:
        """Train `kid` in this kernel, and wait.

        Ctrl-C (or the stop button of the notebook) ends it after the step it is in: saved, the kid usable.

        Args:
            kid: who practises.
            plan: how far, from where, at which rate; by default as the kid was told.
            name: what the run is called; by default as the kid is.
            background: True to return at once.
            dashboard: False to show nothing while it trains.
            tensorboard: write TensorBoard files, too, into the folder `tensorboard` of the run.
            cargo: gives what makes the kid on ranks if it is moved there and cannot travel itself.
            code: the cell that trains it, to be told of the run.

        Returns:
            The training, ended unless `background`.

        Raises:
            MagicError: if the kid is training already, or has nothing left to do.
            StoreError: if the store cannot be written; nothing has started then.
            Exception: whatever went wrong in the training.
        """
        __tracebackhide__ = True
        self._check_free(kid)
        plan = plan or Plan()
        kid.setup()
        same = plan.apply(kid, name)
        if kid.branched is not None and same is None:
            name = name or kid.branched.child(kid.name)
        training = Training.of(kid, same or name, tensorboard, config={"code": code} if code else None)
        manner = Manner(self._ranks(), cargo, tensorboard, shows(dashboard))
        return self._begin(Voyage(training, manner), background, dashboard)

    def dispatch(
        self,
        np: int,
        cargo: Cargo,
        kid: Kid,
        plan: Plan | None = None,
        *,
        launcher: str | None = None,
        where: Where | None = None,
        name: str | None = None,
        background: bool = False,
        dashboard: bool = True,
        tensorboard: bool = False,
        code: str | None = None,
    ) -> Voyage:
        """Train on `np` ranks what `cargo` makes there, and wait; the weights come back into `kid`.

        Ctrl-C ends it after the step the ranks are in; they stay for the next cell.

        Args:
            np: the number of ranks; those of an earlier cell are used again.
            cargo: what makes the kid on a rank.
            kid: the notebook's kid.
            plan: how far, from where, at which rate.
            launcher: what starts the ranks, see `pool`.
            where: the hosts they are on, see `pool`.
            name: what the run is called; by default as the kid is.
            background: True to return at once.
            dashboard: False to show nothing while it trains.
            tensorboard: write TensorBoard files, too, into the folder `tensorboard` of the run.
            code: the cell that trains it, to be told of the run.

        Raises:
            RankError: if a rank failed; the message ends with that rank's traceback.
            DispatchError: if the ranks cannot be started or reached.
        """
        __tracebackhide__ = True
        from akidlab.session.dispatching import dispatch

        self._check_free(kid)
        seen, plan = shows(dashboard), plan or Plan()
        training = dispatch(
            lambda: self.pool(np, launcher, where=where), cargo, kid, plan, name, tensorboard, seen, code
        )
        manner = Manner(self._ranks(), lambda: cargo, tensorboard, seen, plan.survival)
        return self._begin(Voyage(training, manner), background, dashboard)

    def pool(
        self,
        np: int,
        launcher: str | None = None,
        folder: Path | None = None,
        where: Where | None = None,
    ) -> Pool:
        """The ranks of this size in a folder: those that live, or new ones.

        Args:
            np: how many.
            launcher: what starts them, `horovod` or `torch`; by default those that live are taken, whatever
                started them, and Horovod starts new ones.
            folder: where they work; by default the folder we are in.
            where: the hosts they are on, and how their number may change; by default this machine. What is
                found on other hosts is told in a table.

        Raises:
            DispatchError: if they cannot be started, or a host is not as it should be.
        """
        from akidlab.dispatch import Pool

        folder = folder or Path.cwd()
        key = (np, str(folder), launcher, repr(where))
        pool = self.pools.get(key)
        if pool is None or not pool.is_well:
            if pool is not None:
                pool.close()
            pool = self.pools[key] = Pool.start(
                np,
                project=folder,
                launcher=launcher,
                told=_tell,
                **({} if where is None else where._asdict()),
            )
        return pool

    def _ranks(self) -> Callable[[int, str | None], Pool]:
        """What gives ranks to a run that begins in this folder, wherever the notebook is by then."""
        folder = Path.cwd()
        return lambda np, launcher: self.pool(np, launcher, folder)

    def ranks(self, np: int | None = None, launcher: str | None = None) -> RankNotebook:
        """The ranks of this folder, to run cells on, see `RankNotebook`.

        Args:
            np: how many; started if they do not live. By default those that live.
            launcher: what starts them, see `pool`.

        Raises:
            DispatchError: if none live, or there are several pools, and `np` does not say which.
        """
        from akidlab.dispatch import Pool
        from akidlab.session.cells import RankNotebook, living

        for uid in [uid for uid, notebook in self.notebooks.items() if not notebook.pool.alive]:
            self.notebooks.pop(uid).close()
        there = living(Path.cwd(), np, launcher)
        if there is None:
            pool = self.pool(np or 1, launcher)
        elif there.uid in self.notebooks:
            return self.notebooks[there.uid]
        else:
            pool = Pool(there)
            pool.attach()
        self.notebooks[pool.uid] = RankNotebook(pool)
        return self.notebooks[pool.uid]

    def describe_pools(self) -> list[dict[str, Any]]:
        """What the pools of this folder are and do, oldest first, in plain values."""
        from akidlab.dispatch import Pool

        found = []
        for pool in Pool.find(Path.cwd()):
            with suppress(DispatchError):  # it left meanwhile
                facts = {"size": pool.size, "project": str(pool.project), "pid": pool.pid, **pool.describe()}
                found.append(facts)
            pool.close()
        return found

    def stop_pools(self) -> list[str]:
        """Stop the pools of this folder: their runs, their ranks and their supervisors.

        Returns:
            The names of the runs that it ended, also those of other notebooks.
        """
        from akidlab.dispatch import Pool

        runs = [name for pool in Pool.find(Path.cwd()) for name in pool.stop()]
        for key in [key for key in self.pools if key[1] == str(Path.cwd())]:
            self.pools.pop(key).close()
        return runs

    def close(self, patience: float = 5.0) -> None:
        """Stop what trains in this kernel and wait for it to be saved, at most `patience` seconds."""
        for training in self.live:
            if training.is_here:  # those on ranks outlive the kernel
                training.stop()
        for training in self.live:
            if training.is_here:
                training.join(patience)
        for open_line in [*self.notebooks.values(), *self.pools.values()]:
            open_line.close()
        self.notebooks.clear()
        self.pools.clear()

    def _begin(self, training: Voyage, background: bool, dashboard: bool) -> Voyage:
        __tracebackhide__ = True
        shown = _show(training) if dashboard and not config.quiet() else None
        if training.is_here:  # else its kid practises elsewhere
            training.kid.shown = shows(dashboard)
        self.trainings.append(training)
        if background:
            training.start()
            context = contextvars.copy_context()  # what it says belongs to this cell
            threading.Thread(
                target=context.run, args=(_finish_later, training, shown), name="akidlab-watch", daemon=True
            ).start()
            return training
        try:
            watch(training)
        finally:
            if shown is not None and not training.is_live:
                shown.finish()
        return training

    def _check_free(self, kid: Kid) -> None:
        if kid.practising or any(training.kid is kid for training in self.live):
            run = f" in the run `{kid.run.name}`" if kid.run is not None else ""
            paused = kid.run is not None and kid.run.status == "paused"
            advice = PAUSED if paused else BUSY
            raise MagicError(f"This kid is training already{run}. {advice}")

    def __enter__(self) -> Session:
        self._tokens.append(_current.set(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.reset(self._tokens.pop())
        self.close()

    def __repr__(self) -> str:
        names = ", ".join(f"`{training.run.name}`" for training in self.live) or "nothing"
        return f"Session(training {names})"


def _tell(text: str) -> None:
    if not config.quiet():
        sys.stdout.write(f"{text}\n")


def _show(training: Voyage) -> Any:
    from akidlab.widgets import Dashboard

    dashboard = Dashboard(training.run, send=training.send)
    dashboard.show()
    return dashboard


def _finish_later(training: Voyage, dashboard: Any) -> None:
    training.join()
    if dashboard is not None:
        dashboard.finish()
    if training.error is not None and not config.quiet():
        sys.stderr.write(f"`{training.run.name}` failed: {training.error}\n")
