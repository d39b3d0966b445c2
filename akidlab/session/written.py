"""A cell, written out: a program that runs where there is no notebook, and no pickle."""

from __future__ import annotations

import ast
import builtins
import linecache
import re
import sys
import types
from collections.abc import Iterator
from typing import Any

from akidlab.errors import MagicError
from akidlab.session.freenames import FreeNames, free_names

SECRET = re.compile(r"secret|token|passw|api_?key|credential", re.IGNORECASE)
_PLAIN = (bool, int, float, complex, str, bytes, type(None), tuple, list, dict, set)


def written_out(source: str, home: dict[str, Any], filename: str = "<cell>") -> str:
    """The cell as a file, with what it needs from the notebook above it.

    What was imported is imported again, functions and classes of the notebook are copied with what they
    need, and plain values (numbers, texts, and lists, tuples, dicts and sets of them) are written down. All
    else the cell has to make by itself.

    Args:
        source: the cell, as plain Python.
        home: the notebook's namespace.
        filename: what syntax errors name.

    Raises:
        MagicError: if the cell needs what cannot be written down; it lists each with the reason.
        SyntaxError: if `source` is not Python.

    Example:
        >>> print(written_out("kid = build(rate)", {"rate": 0.1, "build": Kid}))
        from akidlab import Kid as build
        <BLANKLINE>
        rate = 0.1
        <BLANKLINE>
        kid = build(rate)
    """
    page = _Page(home)
    page.cell(source, filename)
    if page.faults:
        raise MagicError(_complaint(page.faults))
    parts = ["\n".join(sorted(page.imports)), "\n".join(page.values), *page.definitions, source.rstrip("\n")]
    return "\n\n".join(part for part in parts if part)


class _Page:
    """What stands above the cell; a definition comes after what it needs itself."""

    def __init__(self, home: dict[str, Any]) -> None:
        self.home = home
        self.imports: set[str] = set()
        self.values: list[str] = []
        self.definitions: list[str] = []
        self.faults: dict[str, str] = {}
        self._seen: set[str] = set()

    def cell(self, source: str, filename: str) -> None:
        """Write down what the cell needs; what it binds itself, functions will find."""
        free = free_names(source, filename)
        if "get_ipython" in free.needed:
            raise MagicError(
                "The cell has a magic (`%...`) or a shell command (`!...`) in it, which only a notebook"
                " knows: move it to a cell above."
            )
        self._seen |= free.bound - free.needed - free.perhaps
        self._all(free)

    def _all(self, free: FreeNames) -> None:
        for name in sorted((free.needed | free.perhaps) & self.home.keys() - self._seen):
            self._seen.add(name)
            if self.home[name] is not getattr(builtins, name, self):
                self._write(name, self.home[name])
            if name not in free.needed:  # it goes along if it can
                self.faults.pop(name, None)

    def _write(self, name: str, value: Any) -> None:
        if isinstance(value, types.ModuleType):
            self.imports.add(_import(name, value))
        elif _is_of_a_module(value):
            self.imports.add(_from_import(name, value))
        elif isinstance(value, (type, types.FunctionType)):
            self._copy(name, value)
        else:
            self._value(name, value)

    def _value(self, name: str, value: Any) -> None:
        if isinstance(value, str) and SECRET.search(name):
            self.faults[name] = "by its name a secret, and a manifest is open text: read it inside the cell"
            return
        text = repr(value)
        if not _reads_back(value, text):
            kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
            self.faults[name] = f"a `{kind}`, which is more than a plain value"
            return
        self.values.append(f"{name} = {text}")

    def _copy(self, name: str, value: Any) -> None:
        found = _source_of(value)
        if found is None:
            self.faults[name] = "its source is not known: define it by `def` or `class` in a cell of its own"
            return
        self._all(free_names(found, f"<{name}>"))
        self.definitions.append(found)
        if name != value.__name__:
            self.definitions.append(f"{name} = {value.__name__}")


def _complaint(faults: dict[str, str]) -> str:
    lines = "\n".join(f"  `{name}`: {reason}" for name, reason in faults.items())
    return (
        f"Nothing was written: the cell needs what cannot be written down.\n{lines}\n"
        "Make it inside the cell, or read it from the volume of the data."
    )


def _import(name: str, module: types.ModuleType) -> str:
    path = module.__name__
    return f"import {path}" if path == name else f"import {path} as {name}"


def _is_of_a_module(value: Any) -> bool:
    """Whether an import finds it: it is a name of a module other than the notebook."""
    if not isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        return False
    module = sys.modules.get(value.__module__ or "")
    return value.__module__ != "__main__" and getattr(module, value.__qualname__, None) is value


def _from_import(name: str, value: Any) -> str:
    akidlab = sys.modules["akidlab"]
    ours = value.__name__ in akidlab.__all__ and getattr(akidlab, value.__name__) is value
    module = "akidlab" if ours else value.__module__
    return f"from {module} import {value.__qualname__}" + ("" if value.__name__ == name else f" as {name}")


def _reads_back(value: Any, text: str) -> bool:
    try:
        return isinstance(value, _PLAIN) and ast.literal_eval(text) == value and repr(value) == text
    except (ValueError, SyntaxError, TypeError, RecursionError):
        return False


def _source_of(value: Any) -> str | None:
    """The definition of a function or a class of the notebook, from the cell that made it."""
    for filename in _files_of(value):
        lines = linecache.getlines(filename)
        try:
            tree = ast.parse("".join(lines))
        except SyntaxError:  # the cell has magics in it, and its lines are those that were written
            continue
        for node in reversed(tree.body):
            if isinstance(node, _DEFINITIONS) and node.name == value.__name__:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                return "".join(lines[first - 1 : node.end_lineno]).rstrip("\n")
    return None


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _files_of(value: Any) -> Iterator[str]:
    if isinstance(value, types.FunctionType):
        yield value.__code__.co_filename
        return
    for part in vars(value).values():
        part = getattr(part, "__func__", getattr(part, "fget", part))
        if isinstance(part, types.FunctionType) and part.__module__ == value.__module__:
            yield part.__code__.co_filename
    # a class without functions does not know its cell: the last one that defines its name
    yield from (
        filename for filename in reversed(linecache.cache) if "ipykernel_" in filename or filename[0] == "<"
    )
