"""Folding: the traceback of a cell shows the way through the user's code, and the last step."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import threading
from collections.abc import Iterator
from functools import cache
from types import TracebackType
from typing import Any

TOLD = ("akidlab", "torch")
WITHIN = (*TOLD, "IPython", "ipykernel")
FILES = (contextlib.__file__, threading.__file__)


def fold(error: BaseException, shell: Any) -> None:
    """Have `shell` show `error` without the steps within akidlab and torch.

    The error itself keeps them: `%tb Verbose` and `%debug` show all, and the run has them in its log.
    """
    if shell is None or hasattr(error, "_render_traceback_"):  # it shows itself
        return
    with contextlib.suppress(AttributeError):  # a class with slots
        error._render_traceback_ = lambda: lines(error, shell)  # type: ignore[attr-defined]


def lines(error: BaseException, shell: Any) -> list[str]:
    """What `shell` shows of `error`."""
    whole = shell.InteractiveTB.mode == "Verbose"
    with contextlib.nullcontext(0) if whole else _folded(error) as count:
        shown = shell.InteractiveTB.structured_traceback(type(error), error, error.__traceback__, tb_offset=0)
    if count:
        told = f"[{count} steps within akidlab and torch are left out; `%tb Verbose` shows them]\n"
        return [*shown[:-1], told, *shown[-1:]]
    return shown


@contextlib.contextmanager
def _folded(error: BaseException) -> Iterator[int]:
    """While this lasts, `error`, and what led to it, have only the steps that are shown; says how many go."""
    whole = [(part, part.__traceback__) for part in _chain(error)]
    count = 0
    try:
        for part, trace in whole:
            steps = list(_steps(trace))
            kept = [step for step in steps[:-1] if not _is_within(step, WITHIN)] + steps[-1:]
            part.__traceback__ = _linked(kept)
            count += sum(_is_within(step, TOLD) for step in steps[:-1])
        yield count
    finally:
        for part, trace in whole:
            part.__traceback__ = trace


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _steps(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _linked(steps: list[TracebackType]) -> TracebackType | None:
    linked: TracebackType | None = None
    for step in reversed(steps):
        linked = TracebackType(linked, step.tb_frame, step.tb_lasti, step.tb_lineno)
    return linked


def _is_within(step: TracebackType, packages: tuple[str, ...]) -> bool:
    name = step.tb_frame.f_code.co_filename
    return name.startswith(_folders(packages)) or (packages is WITHIN and name in FILES)


@cache
def _folders(packages: tuple[str, ...]) -> tuple[str, ...]:
    found = [importlib.util.find_spec(package) for package in packages]
    return tuple(os.path.dirname(spec.origin) + os.sep for spec in found if spec and spec.origin)
