"""Said: values as a person would write them in Python, with the imports and arguments that this takes."""

from __future__ import annotations

import importlib
import inspect
import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import torch
from torch import Tensor, nn

from akidlab._public import HOMES
from akidlab.blocks.initializer import FunctionInitializer, Initializer
from akidlab.blocks.layout import Row, Text, call, flat, named
from akidlab.blocks.regularizer import Regularizer

SMALL = 64  # numbers of a tensor that are written out
_BRACKETS = {list: "[]", tuple: "()", set: "{}", torch.Size: "()"}


class Unsaid(Exception):
    """A value that Python text cannot give."""


@dataclass
class Saying:
    """What is being said, and what it needs.

    Args:
        imports: the names to import, by module; an empty name imports the module itself.
        given: what has to be handed over as an argument, by the name of the argument.
        local: names that stand for what was defined in the notebook.
    """

    imports: dict[str, set[str]] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    local: set[str] = field(default_factory=set)
    _names: dict[str, Any] = field(default_factory=dict)

    def value(self, value: Any, where: str) -> Text:
        """A value; what cannot be said becomes an argument called `where`."""
        try:
            return self.said(value)
        except Unsaid:
            return self.argument(value, where)

    def argument(self, value: Any, where: str) -> str:
        """An argument that hands `value` over."""
        name = stem = re.sub(r"\W", "_", where)
        number = 2
        while name in self.given and self.given[name] is not value:
            name, number = f"{stem}_{number}", number + 1
        self.given[name] = value
        return name

    def said(self, value: Any) -> Text:
        """A value as Python text.

        Raises:
            Unsaid: if it cannot be said.
        """
        if value is None or type(value) in (bool, int, bytes) or value is ...:
            return "..." if value is ... else repr(value)
        if type(value) is str:
            return _quoted(value)
        if type(value) is float:
            return repr(value) if math.isfinite(value) else f'float("{value}")'
        if type(value) in _BRACKETS:
            return self._several(value)
        if isinstance(value, Mapping) and type(value) is dict:
            parts = [named(f"{flat(self.said(key))}: ", self.said(held)) for key, held in value.items()]
            return Row("{", tuple(parts), "}")
        return self._object(value)

    def _several(self, value: Any) -> Text:
        if type(value) is set and not value:
            return "set()"
        opens, closes = _BRACKETS[type(value)]
        items = sorted(value, key=repr) if type(value) is set else value
        only = "," if opens == "(" and len(value) == 1 else ""
        return Row(opens, tuple(self.said(item) for item in items), only + closes)

    def _object(self, value: Any) -> Text:
        if isinstance(value, FunctionInitializer):
            return self.said(value.function)
        if isinstance(value, Initializer):
            return self.said({"name": value.name, **value.paras} if value.paras else value.name)
        if isinstance(value, Regularizer):
            return self.said({"type": value.type, "scale": value.scale})
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, (torch.dtype, torch.layout)):
            return self._from_torch(str(value))
        if isinstance(value, torch.device):
            return self._from_torch(f'torch.device("{value}")')
        if isinstance(value, Enum):
            return f"{self.name(type(value))}.{value.name}"
        if isinstance(value, PurePath):
            return call(self.name(_concrete(value)), [_quoted(str(value))])
        if type(value) is partial:
            options = [named(f"{key}=", self.said(held)) for key, held in value.keywords.items()]
            held = [self.said(part) for part in (value.func, *value.args)]
            return call(self.name(partial), [*held, *options])
        if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
            return self._array(value)
        if inspect.isfunction(value) or inspect.isbuiltin(value) or isinstance(value, type):
            return self.name(value)
        raise Unsaid

    def _tensor(self, value: Tensor) -> Text:
        if isinstance(value, nn.Parameter) or value.numel() > SMALL or value.is_complex() or value.is_meta:
            raise Unsaid
        if value.is_sparse or value.is_quantized or value.requires_grad or value.device.type != "cpu":
            raise Unsaid
        self.imports.setdefault("torch", set()).add("")
        numbers = value.tolist()
        if value.dtype == torch.float32:
            numbers = _short(value.numpy())
        if torch.tensor(numbers).shape != value.shape:  # one of the sizes is 0
            raise Unsaid
        parts = [self.said(numbers)]
        if torch.tensor(numbers).dtype != value.dtype:
            parts.append(f"dtype={value.dtype}")
        return call("torch.tensor", parts)

    def _from_torch(self, text: str) -> str:
        self.imports.setdefault("torch", set()).add("")
        return text

    def _array(self, value: Any) -> Text:
        if not value.shape and value.dtype.kind in "biuf":
            self.imports.setdefault("numpy", set()).add("")
            return call(f"numpy.{value.dtype}", [self.said(value.item())])
        if value.size > SMALL or value.dtype.kind not in "biuf" or 0 in value.shape:
            raise Unsaid
        self.imports.setdefault("numpy", set()).add("")
        return call("numpy.array", [self.said(value.tolist()), f'dtype="{value.dtype}"'])

    def name(self, thing: Any) -> str:
        """The name by which code reaches a class or a function, which is imported.

        Raises:
            Unsaid: if no import reaches it, as it was made within a function.
        """
        module, path = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
        name = path.partition(".")[0]
        if not module or reached(module, path) is not thing:
            raise Unsaid
        if module == "builtins":
            return path
        module = _shortest(module, path, thing)
        if self._names.setdefault(name, thing) is not thing:  # two of one name: this one by its module
            self.imports.setdefault(module, set()).add("")
            return f"{module}.{path}"
        if module == "__main__":
            self.local.add(name)
        else:
            self.imports.setdefault(module, set()).add(name)
        return path

    def lines(self) -> list[str]:
        """The imports, as they stand at the top of a file."""
        whole = [f"import {module}" for module, names in sorted(self.imports.items()) if "" in names]
        parts = [
            _import(module, sorted(names - {""}))
            for module, names in sorted(self.imports.items())
            if names - {""}
        ]
        return [*whole, *([""] if whole and parts else []), *parts]


def reached(module: str, path: str) -> Any:
    """What an import of `path` from `module` gives; None where there is nothing."""
    if "<" in path:
        return None
    try:
        found = sys.modules.get(module) or importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return None
    return found


def _short(numbers: Any) -> Any:
    """Numbers of 32 bits in as few digits as tell them."""
    return [_short(part) for part in numbers] if numbers.shape else float(str(numbers))


def _shortest(module: str, path: str, thing: Any) -> str:
    """The outermost package that offers it too."""
    if path in HOMES and reached("akidlab", path) is thing:
        return "akidlab"
    parts = module.split(".")
    outer = (".".join(parts[:count]) for count in range(1, len(parts)))
    return next((m for m in outer if vars(sys.modules.get(m, sys)).get(path) is thing), module)


def _import(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= 88:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"


def _quoted(text: str) -> str:
    shown = repr(text)
    return shown if '"' in text or shown.startswith('"') else '"' + shown[1:-1].replace("\\'", "'") + '"'


def _concrete(path: PurePath) -> type:
    return Path if isinstance(path, Path) else type(path)
