"""A Program: a file that makes a kid, trained without a notebook by whatever ranks run the file together."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akidlab.dispatch.hosts import name_interface
from akidlab.errors import DispatchError, StoreError, UnknownNameError
from akidlab.messages import CallbackSubscriber

if TYPE_CHECKING:
    from akidlab.engines import Engine
    from akidlab.kids import Kid
    from akidlab.store import Run

PATIENCE = 90.0  # seconds; a writer on another host is taken for dead after 60


@dataclass(frozen=True, slots=True)
class Program:
    """A file of Python that makes a kid, and what is to become of the kid.

    Args:
        path: the file; `kid` in it is trained, or the only kid it makes.
        name: what the run is called; by default as the kid is.
        steps: the step to train up to, instead of as far as the file says.
        epochs: the epoch to train up to; not together with `steps`.
        lr: the learning rate, instead of the file's.
        resume: go on with the run of this name, if there is one: a job that is started again goes on, and
            one that had finished ends at once.
        launcher: with whose engine tasks of Slurm join, `horovod` or `torch`; other ranks know theirs.
        told: called on rank 0 with the kid and its loss, a few times a second.

    Example:
        >>> _ = Path("tiny.py").write_text('''
        ... from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
        ... from akidlab.models.brains import OneLayerBrain
        ... kid = Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(0.05), max_steps=2)
        ... ''')
        >>> kid = Program(Path("tiny.py"), name="tiny").train()
        >>> kid.step, kid.run.status
        (2, 'finished')
    """

    path: Path
    name: str | None = None
    steps: int | None = None
    epochs: float | None = None
    lr: float | None = None
    resume: bool = False
    launcher: str = "horovod"
    told: Callable[[Kid, float], object] | None = None

    def __post_init__(self) -> None:
        if self.steps is not None and self.epochs is not None:
            raise DispatchError("Say `--steps` or `--epochs`, not both.")

    def train(self) -> Kid:
        """Make the kid and train it, with the other ranks if there are any; returns it, on every rank.

        A SIGTERM, with which clusters end a job, stops it after the step it is in, saved.

        Raises:
            DispatchError: if the file makes no kid, or has trained it by itself.
            StoreError: if its run is being written elsewhere.
            Exception: what the file raised, or the training.
        """
        if not self.path.is_file():
            raise DispatchError(f"There is no file {self.path}: expected one of Python that makes a kid.")
        engine = joined(self.launcher)
        with _main(self.path) as main:
            kid = _kid_of(main.__dict__, self.path)
            if engine is not None:
                kid.engine = engine
            self._tell(kid)
            kid.setup()
            run = kid.run = self._go_on(kid)
            if kid.step < kid.last_step:
                self._practise(kid, run)
        return kid

    def _practise(self, kid: Kid, run: Run | None) -> None:
        if self.lr is not None:
            kid.kongfu.set_lr(self.lr, kid.clock)
        if kid.engine.rank == 0:
            self._open(kid, run)
        try:
            with _stopped_by_sigterm(kid):
                kid.practice()
        finally:
            kid.close_run()

    def _open(self, kid: Kid, run: Run | None) -> None:
        if kid.record:
            kid.open_run(self.name, run=run)
        if (told := self.told) is not None:
            kid.bus.subscribe(
                CallbackSubscriber(lambda message: told(kid, message.data.values[-1]), topics=["loss"])
            )

    def _tell(self, kid: Kid) -> None:
        if self.steps is not None:
            kid.max_steps, kid.max_epoch = self.steps, None
        elif self.epochs is not None:
            kid.max_steps, kid.max_epoch = None, self.epochs  # type: ignore[assignment]

    def _go_on(self, kid: Kid) -> Run | None:
        """Put the kid where the run of this name stands, if that is asked for; rank 0 has the run."""
        from akidlab.kids import checkpoint

        if not self.resume:
            return None
        run = _earlier(self.name or kid.name) if kid.engine.rank == 0 else None
        state = kid.engine.broadcast(None if run is None else checkpoint.newest(run.folder))
        if state is not None:
            checkpoint.load(kid, state)
        if run is not None:
            run.rewind(kid.step)
        return run


def joined(launcher: str = "horovod") -> Engine | None:
    """The engine of the ranks that this process was started with; None if it was started alone.

    Args:
        launcher: with whose engine tasks of Slurm join.

    Raises:
        DispatchError: if the ranks cannot understand each other.
    """
    from akidlab import engines
    from akidlab.engines import slurm

    if slurm.is_step(os.environ):
        slurm.meet(os.environ, launcher)
    if "HOROVOD_RANK" in os.environ:
        name_interface(os.environ)
        return engines.get("horovod")
    if "OMPI_COMM_WORLD_RANK" in os.environ:
        return _of_mpirun(engines.get("horovod"))
    if {"RANK", "WORLD_SIZE"} <= os.environ.keys():  # torchrun's, or our launcher's
        return engines.get("torch")
    return None


def _of_mpirun(engine: Engine) -> Engine:
    """See that Horovod understands MPI: without it, every rank would take itself for the only one."""
    size = int(os.environ.get("OMPI_COMM_WORLD_SIZE", "1"))
    if engine.size != size:
        raise DispatchError(
            f"mpirun started {size} ranks, but this Horovod was built without MPI and sees {engine.size}."
            f" Start them with `akidlab run FILE -np {size}`, with `horovodrun --gloo`, or with `srun`."
        )
    return engine


def _kid_of(namespace: dict[str, Any], path: Path) -> Kid:
    from akidlab.kids import Kid

    kids = {name: value for name, value in namespace.items() if isinstance(value, Kid)}
    found = kids.get("kid") or next(iter(kids.values()), None)
    if found is None:
        raise DispatchError(
            f"{path} makes no kid. End it with `kid = Kid(sensor, brain, kongfu, max_steps=...)`."
        )
    if "kid" not in kids and len({id(kid) for kid in kids.values()}) > 1:
        raise DispatchError(
            f"{path} makes several kids: {', '.join(kids)}. Call the one that is to be trained `kid`."
        )
    if found.step:
        raise DispatchError(
            f"{path} has trained its kid by itself, each rank for its own. Leave out the call of"
            " `practice()`: `akidlab run` makes it, on all ranks together."
        )
    return found


@contextmanager
def _main(path: Path) -> Iterator[types.ModuleType]:
    """The file, run as `python FILE` would; while it is `__main__`, what it defines is found by name."""
    import numpy as np
    import torch

    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(0)
    before, search = sys.modules["__main__"], list(sys.path)
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__file__ = str(path)
    sys.path.insert(0, str(path.parent.absolute()))
    try:
        exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), main.__dict__)
        yield main
    finally:
        sys.modules["__main__"], sys.path[:] = before, search


def _earlier(name: str) -> Run | None:
    """The run of this name, once nobody writes it any more."""
    from akidlab.store import Store

    try:
        run = Store().run(name)
    except UnknownNameError:
        return None
    end = time.monotonic() + PATIENCE
    while run.is_live:  # a job that was killed a moment ago still looks alive from another host
        if time.monotonic() > end:
            raise StoreError(
                f"The run `{name}` is {run.status} elsewhere. Stop it, or give another `--name`."
            )
        time.sleep(0.5)
    return run


@contextmanager
def _stopped_by_sigterm(kid: Kid) -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, lambda number, frame: kid.controls.send("stop"))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
