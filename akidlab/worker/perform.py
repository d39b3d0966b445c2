"""Perform an assignment: run the cell, take its kid, practise, and report."""

from __future__ import annotations

import builtins
import gc
import linecache
import random
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
import numpy as np
import torch

from akidlab.errors import DispatchError
from akidlab.kids import Kid, checkpoint
from akidlab.messages import CallbackSubscriber, Subscriber
from akidlab.worker.assignment import Assignment
from akidlab.worker.travel import remember_lines, unpack

if TYPE_CHECKING:
    from akidlab.engines import Engine
    from akidlab.worker.commits import Commits

HERE = str(Path(__file__).parent)


@dataclass(frozen=True)
class Place:
    """Where an assignment is performed.

    Args:
        engine: how the kid works together with the other ranks.
        folder: where its checkpoints go.
        name: what the run is called.
        subscriber: hears the kid, None if nobody does.
        on_kid: told the kid before it practises, so that commands reach it.
        commits: from where it goes on after a fault, and what for; None if nobody would have it go on.
        keep: given the kid in the end, and the namespace of its cell, to keep both; else they are let go.
    """

    engine: Engine
    folder: Path
    name: str
    subscriber: Subscriber | None
    on_kid: Callable[[Any], None]
    commits: Commits | None = None
    keep: Callable[[Any, types.ModuleType], object] | None = None


def perform(payload: bytes, place: Place) -> dict[str, Any]:
    """Do what the kernel asked for; an exception is reported, not raised.

    Args:
        payload: a cloudpickled `Assignment`: it came over the authenticated line of the pool.
        place: where we are.

    Returns:
        A report: `status`, `step`, `kid`, `weights` (rank 0), and `short` and `error` if it failed. `raised`
        says whether an exception ended it, so that other ranks may wait for this one.
    """
    report: dict[str, Any] = {"status": "finished", "step": 0, "kid": None, "raised": False}
    kids: list[Kid] = []
    try:
        with _notebook(kids, place.keep) as notebook:
            assignment: Assignment = cloudpickle.loads(payload)
            _seed()
            report["kid"], kid = _run_cell(assignment, notebook)
            if kid is not None:
                kids.append(kid)
                _practise(kid, assignment, place, report)
    except KeyboardInterrupt:
        report.update(status="stopped", raised=True)
    except BaseException as error:  # SystemExit, too: the rank stays
        short, text = describe_error(error)
        report.update(status="failed", raised=True, short=short, error=text)
    if kids:
        report["step"] = int(kids[0].clock)
    return report


def clean_up() -> None:
    """Let nothing of a task stay behind; called when its report is on its way."""
    linecache.clearcache()  # the cells, too
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _run_cell(assignment: Assignment, notebook: types.ModuleType) -> tuple[str | None, Kid | None]:
    namespace = notebook.__dict__
    if isinstance(assignment.names, bytes):
        unpack(assignment.names, namespace)
    else:
        namespace.update(assignment.names)
    before = dict(namespace)
    if assignment.source is not None:
        remember_lines(assignment.filename, assignment.source)
        code = compile(assignment.source, assignment.filename, "exec", dont_inherit=True)
        exec(code, namespace)
    return _find_kid(assignment, namespace, before)


def _find_kid(
    assignment: Assignment, namespace: dict[str, Any], before: dict[str, Any]
) -> tuple[str | None, Kid | None]:
    if assignment.kid is not None:
        found = namespace.get(assignment.kid)
        if isinstance(found, Kid):
            return assignment.kid, found
        what = f"a {type(found).__name__}" if assignment.kid in namespace else "nothing"
        raise DispatchError(f"The cell was to make a Kid called `{assignment.kid}`, found {what}.")
    kids = {name: value for name, value in namespace.items() if isinstance(value, Kid)}
    made = {name: kid for name, kid in kids.items() if before.get(name) is not kid} or kids
    if len({id(kid) for kid in made.values()}) > 1:
        raise DispatchError(
            f"There are several kids: {', '.join(f'`{name}`' for name in made)}. Say which is to practise."
        )
    if not made and assignment.needs_kid:
        raise DispatchError(
            "The cell made no Kid. End it with `kid = Kid(sensor, brain, kongfu, max_steps=...)`."
        )
    return next(iter(made.items()), (None, None))


def _practise(kid: Kid, assignment: Assignment, place: Place, report: dict[str, Any]) -> None:
    kid.engine, kid.record, kid.folder = place.engine, False, place.folder
    kid.run = None
    overrides = dict(assignment.overrides)
    if {"max_steps", "max_epoch"} & set(overrides):  # one of them says how long
        overrides = {"max_steps": None, "max_epoch": None, **overrides}
    lr = overrides.pop("lr", None)
    for name, value in overrides.items():
        setattr(kid, name, value)
    said: list[Any] = []
    kid.bus.subscribe(CallbackSubscriber(lambda message: said.append(message.data), topics=["status"]))
    if place.subscriber is not None:
        kid.bus.subscribe(place.subscriber)
    place.on_kid(kid)
    kid.setup()
    kid.commits = place.commits
    if place.commits is None or not place.commits.restore(kid):
        if assignment.resume is not None:
            checkpoint.load(kid, assignment.resume)
        if lr is not None:
            kid.kongfu.set_lr(lr, kid.clock)
    kid.practice()
    report["status"] = "moved" if kid.moved else said[-1].status
    if place.engine.rank == 0:
        report["weights"] = checkpoint.dump(kid)


@contextmanager
def _notebook(
    kids: list[Kid], keep: Callable[[Any, types.ModuleType], object] | None
) -> Iterator[types.ModuleType]:
    """A fresh `__main__`, so that what the cell defines can be found by name, and is forgotten afterwards."""
    ours, path, folder = sys.modules["__main__"], list(sys.path), Path.cwd()
    known = set(sys.modules)
    notebook = types.ModuleType("__main__")
    notebook.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = notebook
    try:
        yield notebook
    finally:
        sys.modules["__main__"], sys.path[:] = ours, path
        if kids and keep is not None:
            keep(kids[0], notebook)
        else:
            notebook.__dict__.clear()
        _forget_modules(set(sys.modules) - known, folder)


def _forget_modules(names: set[str], folder: Path) -> None:
    """Modules of the project are read again by the next task: they may have been edited meanwhile."""
    for name in names:
        origin = getattr(sys.modules[name], "__file__", None)
        if origin and Path(origin).is_relative_to(folder) and "site-packages" not in origin:
            del sys.modules[name]


def _seed() -> None:
    """Every task finds the same generators, on every rank."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def describe_error(error: BaseException) -> tuple[str, str]:
    """The error in a line, and with its traceback from the cell (or from the practice) on."""
    told = traceback.TracebackException.from_exception(error)
    told.stack = traceback.StackSummary.from_list(
        [step for step in told.stack if not step.filename.startswith(HERE)]
    )
    lines = told.format() if told.stack else told.format_exception_only()
    short = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1]
    return short, "".join(lines) + _advice(error)


def _advice(error: BaseException) -> str:
    if not (
        isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)
    ):
        return ""
    return (
        "\nThere was not enough memory. A smaller `batch_size` takes less; so do `Kid(..., accumulate=4)`"
        ' with a batch a quarter as large, `precision="bf16"`, and more ranks, which share the batch.\n'
    )
