"""Names that travel: the values of a notebook's names, packed for a rank and put into its namespace there."""

from __future__ import annotations

import io
import linecache
import pickle
import sys
import types
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import cloudpickle

_namespace: ContextVar[dict[str, Any]] = ContextVar("akidlab_namespace")


def pack(names: Mapping[str, object], home: dict[str, Any], *, without: Collection[str] = ()) -> bytes:
    """The values of `names`, in a form that `unpack` reads in another process.

    Functions and classes of the notebook travel whole, and so do the cells that define them, for tracebacks.
    Over there their globals are the namespace that `unpack` fills, as here they are the notebook's: a cell
    that binds a name changes what they see.

    Args:
        names: what travels.
        home: the namespace of the notebook, whose functions travel whole.
        without: names that the cell binds itself: functions that read them do not bring them along.

    Raises:
        Exception: whatever pickling raises, if a value cannot travel.
    """
    with io.BytesIO() as file:
        packer = _Packer(file, home, frozenset(without))
        packer.dump(dict(names))
        pickle.dump({cell: "".join(linecache.getlines(cell)) for cell in packer.cells}, file)
        return file.getvalue()


def unpack(data: bytes, namespace: dict[str, Any]) -> None:
    """Put what `pack` packed into `namespace`, and the cells to where tracebacks look for them."""
    with io.BytesIO(data) as file, _into(namespace):
        namespace.update(pickle.load(file))
        for filename, source in pickle.load(file).items():
            remember_lines(filename, source)


def remember_lines(filename: str, source: str) -> None:
    """Let tracebacks show the lines of a cell."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)


@contextmanager
def _into(namespace: dict[str, Any]) -> Iterator[None]:
    token = _namespace.set(namespace)
    try:
        yield
    finally:
        _namespace.reset(token)


def _arrived() -> dict[str, Any]:
    return _namespace.get()


class _Home(dict[str, Any]):
    """Stands for the notebook's namespace; arrives as the one that is being filled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, ()


class _Packer(cloudpickle.Pickler):
    def __init__(self, file: io.BytesIO, home: dict[str, Any], without: frozenset[str]) -> None:
        super().__init__(file)
        self._notebook, self._without = home, without
        self.cells: set[str] = set()  # the files, as tracebacks name them, of the functions that travel whole
        self.globals_ref[id(home)] = _Home()

    def reducer_override(self, obj: Any) -> Any:
        kids = sys.modules.get("akidlab.kids.kid")
        if kids is not None and type(obj) is kids.Kid:
            from akidlab.kids.travel import taken_apart

            return taken_apart(obj)
        return super().reducer_override(obj)

    def _dynamic_function_reduce(self, func: types.FunctionType) -> tuple[Any, ...]:
        self.cells.add(func.__code__.co_filename)
        reduced = super()._dynamic_function_reduce(func)
        if func.__globals__ is self._notebook:
            slots = reduced[2][1]
            slots["__globals__"] = {
                name: value for name, value in slots["__globals__"].items() if name not in self._without
            }
        return reduced
