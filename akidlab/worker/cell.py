"""A cell on a rank: run as a notebook runs it, in a namespace that the next one finds again."""

from __future__ import annotations

import ast
import builtins
import dis
import sys
import time
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from akidlab.engines import Engine
from akidlab.errors import DispatchError
from akidlab.worker.collectives import NAMES
from akidlab.worker.travel import remember_lines, unpack

CELLS = 200  # whose lines are kept for tracebacks


class Notebook:
    """The names that the cells of one notebook have bound on this rank.

    Example:
        >>> notebook = Notebook()
        >>> notebook.run("x = rank + 1", "<cell>", {"rank": 1})
        >>> notebook.run("x * 10", "<cell>", {"rank": 1}), notebook.own
        (20, {'x'})
    """

    def __init__(self) -> None:
        self.module = types.ModuleType("__main__")
        self.module.__dict__["__builtins__"] = builtins
        self.own: set[str] = set()  # bound by its cells here, not brought along
        self.seconds = 0.0
        self._lines: dict[str, str] = {}

    def run(self, source: str, filename: str, given: Mapping[str, object], names: bytes = b"") -> Any:
        """Run a cell.

        Args:
            source: plain Python.
            filename: what tracebacks call it.
            given: names that it finds, unless an earlier cell here has bound them otherwise.
            names: values of the notebook, packed by `akidlab.worker.travel.pack`.

        Returns:
            The value of its last expression, None if it ends with something else, or with a semicolon.
        """
        namespace = self.module.__dict__
        with self._as_main(), self._lent(given):
            self._bring(names)
            before = dict(namespace)
            self._remember(filename, source)
            code = compile(source, filename, "exec", dont_inherit=True)
            try:
                return self._run(source, filename, namespace)
            finally:
                self._note(code, before, namespace)
                del before

    @contextmanager
    def _lent(self, given: Mapping[str, object]) -> Iterator[None]:
        """Names that only this cell finds: nothing here keeps a kid alive."""
        namespace = self.module.__dict__
        namespace.update({name: value for name, value in given.items() if name not in self.own})
        try:
            yield
        finally:
            for name in set(given) - self.own:
                namespace.pop(name, None)

    def _bring(self, names: bytes) -> None:
        """Take what the notebook sends; what was bound here is not overwritten by it, also if it is torn."""
        namespace = self.module.__dict__
        kept = {name: namespace[name] for name in self.own}
        try:
            if names:
                unpack(names, namespace)
        finally:
            namespace.update(kept)

    def _run(self, source: str, filename: str, namespace: dict[str, Any]) -> Any:
        tree = ast.parse(source, filename)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        body = compile(tree, filename, "exec", dont_inherit=True)
        value = None
        _wait_for_device()
        began = time.perf_counter()
        try:
            exec(body, namespace)
            if isinstance(last, ast.Expr):
                value = eval(
                    compile(ast.Expression(last.value), filename, "eval", dont_inherit=True), namespace
                )
        finally:
            _wait_for_device()
            self.seconds = time.perf_counter() - began
        return None if source.rstrip().endswith(";") else value

    def _note(self, code: types.CodeType, before: Mapping[str, object], after: Mapping[str, object]) -> None:
        missing = object()
        self.own |= set(_bound(code))  # on all ranks the same, also what only some of them came to
        self.own |= {name for name, value in after.items() if before.get(name, missing) is not value}
        self.own = {name for name in self.own if name in after and not name.startswith("__")}

    def _remember(self, filename: str, source: str) -> None:
        self._lines[filename] = source
        while len(self._lines) > CELLS:
            del self._lines[next(iter(self._lines))]
        for name, lines in self._lines.items():  # a task between two cells has let them go
            remember_lines(name, lines)

    @contextmanager
    def _as_main(self) -> Iterator[None]:
        ours = sys.modules["__main__"]
        sys.modules["__main__"] = self.module
        try:
            yield
        finally:
            sys.modules["__main__"] = ours


def _bound(code: types.CodeType, whole: bool = True) -> Iterator[str]:
    """The global names that some code binds."""
    stores = {"STORE_NAME", "STORE_GLOBAL"} if whole else {"STORE_GLOBAL"}
    yield from (step.argval for step in dis.get_instructions(code) if step.opname in stores)
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            yield from _bound(part, whole=False)


@contextmanager
def alone(engine: Engine, ranks: str) -> Iterator[None]:
    """While this lasts, what all ranks would have to do together is refused: only some are here.

    Args:
        engine: whose operations.
        ranks: who is here, in words.
    """
    held: dict[str, Any] = vars(engine)
    before = {name: held[name] for name in NAMES if name in held}

    def refused(name: str) -> Any:
        def refuse(*args: Any, **options: Any) -> Any:
            raise DispatchError(
                f"`{name}` waits for all ranks, and this cell runs on {ranks} alone. Leave out which ranks:"
                " `%%akid_ranks` runs it on all."
            )

        return refuse

    try:
        for name in NAMES:
            setattr(engine, name, refused(name))
        yield
    finally:
        for name in NAMES:
            delattr(engine, name)
        held.update(before)


def _wait_for_device() -> None:
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()
