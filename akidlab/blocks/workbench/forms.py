"""Forms: which options a kind of block has, and how a text becomes the value of one."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

from akidlab.blocks import initializer
from akidlab.blocks.block import Block
from akidlab.blocks.layout import flat
from akidlab.blocks.said import Saying, Unsaid
from akidlab.errors import BlockError
from akidlab.options import signature

APART = ("name", "inputs", "bag")  # told by the picture, or not by a text
REST = ("call_on_update", "moving_average_decay")  # what every block has, at the end of a form
_WORD = re.compile(r"""[`"]+([A-Za-z_]\w*)[`"]+""")
_ENTRY = re.compile(r"^( {4,8}|)(\w+): (.*)$")


@dataclass(frozen=True)
class Option:
    """One option of a kind of block, as a form asks for it.

    Args:
        name: of the argument.
        type: what it takes, as its annotation says.
        default: as text; empty where there is none.
        required: True where it has to be given.
        choices: the words, or the truths, that may be given.
        help: what the docstring says about it.
        common: True for what every block takes.
    """

    name: str
    type: str
    default: str
    required: bool
    choices: tuple[str, ...]
    help: str
    common: bool


def form(cls: type[Block]) -> list[Option]:
    """What can be set of a kind of block.

    Example:
        >>> [option.name for option in form(PoolingLayer) if not option.common]
        ['ksize', 'strides', 'padding', 'type']
        >>> form(PoolingLayer)[3].choices
        ('max', 'avg')
    """
    helps: dict[str, str] = {}
    for base in cls.__mro__:
        helps = {**_helps(base), **helps}
    found = [
        _option(parameter, helps.get(parameter.name, ""))
        for parameter in signature(cls).parameters.values()
        if parameter.name not in APART
        and parameter.kind not in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
    ]
    return sorted(found, key=lambda option: (option.common, not option.required))


def _option(parameter: Parameter, told: str) -> Option:
    kind = _annotated(parameter)
    required = parameter.default is parameter.empty
    default = "" if required else text(parameter.default)
    choices: tuple[str, ...] = ()
    if kind == "bool":
        choices = ("True", "False")
    elif kind in ("str", "Padding"):
        words = _WORD.findall(told)
        choices = tuple(dict.fromkeys([*([parameter.default] if kind == "str" else []), *words]))
    elif parameter.name == "init_para":
        choices = tuple(initializer.names())
    return Option(parameter.name, kind, default, required, choices, told, parameter.name in REST)


def _annotated(parameter: Parameter) -> str:
    kind = parameter.annotation
    if kind is parameter.empty:
        return "Any"
    return kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))


def _helps(cls: type) -> dict[str, str]:
    """What the `Args` of a docstring say, by name."""
    _, _, rest = inspect.cleandoc(vars(cls).get("__doc__") or "").partition("Args:\n")
    found: dict[str, str] = {}
    name = ""
    for line in rest.split("\n"):
        entry = re.match(r"^    (\w+): (.*)$", line)
        if entry:
            name = entry[1]
            found[name] = entry[2]
        elif name and line.startswith("        "):
            found[name] += " " + line.strip()
        elif line.strip():
            break
    return found


def text(value: object) -> str:
    """A value as one would type it; `…` for what cannot be typed."""
    try:
        said = Saying().said(value)
    except Unsaid:
        return "…"
    return value if isinstance(value, str) and value.isidentifier() else flat(said)


def read(typed: str, option: Option, names: Mapping[str, object]) -> Any:
    """The value that a text stands for: a literal, a word, or the name of something in the notebook.

    Nothing is run: a text is no expression.

    Args:
        typed: the text.
        option: what it is for.
        names: what the notebook has defined.

    Raises:
        BlockError: if it is none of these.

    Example:
        >>> strides = form(ConvolutionLayer)[1]
        >>> read("[2, 2]", strides, {}), read("SAME", form(ConvolutionLayer)[2], {})
        ([2, 2], 'SAME')
    """
    typed = typed.strip()
    try:
        return ast.literal_eval(typed)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        pass
    if typed in ("inf", "nan", "-inf"):
        return float(typed)
    if re.fullmatch(r"[\w-]+", typed) and typed in option.choices:
        return typed
    if typed.isidentifier() and typed in names:
        return names[typed]
    if typed.isidentifier() and ("str" in option.type or option.choices):
        return typed
    raise BlockError(
        f"`{option.name}` is {option.type}, found {typed!r}. Write a value such as 3, 0.5, True, [5, 5], "
        f'"SAME" or {{"name": "msra"}}, or the name of something that the notebook has defined.'
    )
