"""Options: which keyword arguments a class takes, and what was meant by one that it does not take."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import cache
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from akidlab.errors import OptionError, unknown

if TYPE_CHECKING:
    from typing_extensions import Self

_NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


class Signature:
    """The `__signature__` of a class whose subclasses pass `**options` on: it tells what their bases take.

    `?`, Shift-Tab and the completion of arguments ask for it; it is made then, and costs nothing before.
    """

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        if instance is not None:  # what can be called has a signature of its own
            raise AttributeError("__signature__")
        return signature(owner)


class Options:
    """A class that names the option that was meant, where it is given one that it does not take.

    Example:
        >>> class Cup(Options):
        ...     def __init__(self, *, sugar=0): ...
        >>> Cup(suger=1)
        Traceback (most recent call last):
        akidlab.errors.OptionError: There is no option of Cup `suger`. Did you mean `sugar`? Known: sugar.
    """

    __signature__ = Signature()

    def __new__(cls, *args: Any, **options: Any) -> Self:
        if options and not _passes_on(cls):
            check(cls, options)
        return super().__new__(cls)


def check(cls: type, options: Iterable[str]) -> None:
    """See that `cls` takes these options.

    Raises:
        OptionError: if it does not take one of them.
    """
    for option in options:
        if option not in signature(cls).parameters:
            raise unknown_option(cls, option)


def unknown_option(cls: type, option: str, more: Iterable[str] = ()) -> OptionError:
    """The error for an option that `cls` does not take.

    Args:
        cls: the class.
        option: its name.
        more: what the class takes besides what its signature tells.
    """
    known = [name for name, p in signature(cls).parameters.items() if p.kind in _NAMED]
    return OptionError(*unknown(f"option of {cls.__name__}", option, [*known, *more]).args)


@cache
def signature(cls: type) -> inspect.Signature:
    """What `cls` is made with, where `**options` stand for what its bases take.

    Example:
        >>> class Drink:
        ...     __signature__ = Signature()
        ...     def __init__(self, size, *, sugar=False): ...
        >>> class Tea(Drink):
        ...     def __init__(self, kind="green", **options): ...
        >>> print(signature(Tea))
        (kind='green', *, size, sugar=False)
    """
    told: dict[str, Parameter] = {}
    settled: set[str] = set()
    rest: list[Parameter] = []
    for base in (base for base in cls.__mro__ if "__init__" in vars(base)):
        first, rest = not told, []
        for parameter in list(inspect.signature(base.__init__).parameters.values())[1:]:  # type: ignore[misc]
            if parameter.kind is Parameter.VAR_KEYWORD:
                rest.append(parameter)
            elif first:
                told[parameter.name] = parameter
            elif parameter.kind in _NAMED and parameter.name not in settled:
                told.setdefault(parameter.name, parameter.replace(kind=Parameter.KEYWORD_ONLY))
        settled |= {*vars(base).get("SETTLED", ())}
        if not rest or "__signature__" in vars(base):
            break
    return inspect.Signature([*sorted(told.values(), key=lambda p: p.kind), *rest])


@cache
def _passes_on(cls: type) -> bool:
    parameters = inspect.signature(cls.__init__).parameters.values()  # type: ignore[misc]
    return any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters)
