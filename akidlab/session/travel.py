"""Travel: the names that a cell needs are found, tried one by one, and packed for the ranks."""

from __future__ import annotations

import sys
import types
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from akidlab.errors import MagicError
from akidlab.session.freenames import free_names
from akidlab.worker.travel import pack

_DEPTH = 6  # how far into a value the reason is looked for


@dataclass(frozen=True, slots=True)
class Luggage:
    """What a cell takes along.

    Args:
        names: the names that travel, sorted.
        data: their values, for `akidlab.worker.travel.unpack`.
    """

    names: tuple[str, ...]
    data: bytes


def pack_for(
    source: str, home: dict[str, Any], filename: str = "<cell>", there: Collection[str] = ()
) -> Luggage:
    """Everything that `source` needs from the notebook.

    Args:
        source: the cell, as plain Python.
        home: the notebook's namespace.
        filename: what syntax errors name.
        there: names that need not travel: they are over there already.

    Raises:
        MagicError: if names cannot travel; it lists each with the reason.
        SyntaxError: if `source` is not Python.
    """
    free = free_names(source, filename)
    if "get_ipython" in free.needed:
        raise MagicError(
            "The cell has a magic (`%...`) or a shell command (`!...`) in it; these run in the notebook only."
            " Move them to a cell above; what they bind travels with the cell."
        )
    needed = {name: home[name] for name in sorted(free.needed - set(there)) if name in home}
    if "display" in free.needed and "display" not in needed:
        needed["display"] = _display()
    perhaps = {name: home[name] for name in sorted(free.perhaps - set(there)) if name in home}
    return pack_names(needed, home, without=free.bound | set(there), perhaps=perhaps)


def pack_names(
    names: Mapping[str, object],
    home: dict[str, Any],
    *,
    without: Collection[str] = (),
    perhaps: Mapping[str, object] | None = None,
    roles: tuple[str, str] = ("cell", "rank"),
) -> Luggage:
    """The values of `names`, and of those in `perhaps` that can travel.

    Args:
        names: what has to travel.
        home: the notebook's namespace.
        without: names that are bound over there: functions that read them do not bring them along.
        perhaps: what travels if it can.
        roles: what complaints call what needs the names, and what it is sent to.

    Raises:
        MagicError: if one of `names` cannot travel; it lists each with the reason.
    """
    wanted = {**(perhaps or {}), **names}
    try:
        return Luggage(tuple(sorted(wanted)), pack(wanted, home, without=without))
    except Exception:  # pickling raises whatever the value does; the reasons are found below
        reasons = dict(_refusals(wanted, home, without))
    faults = {name: reason for name, reason in reasons.items() if name in names}
    if faults:
        raise MagicError(_complaint(faults, *roles))
    kept = {name: value for name, value in wanted.items() if name not in reasons}
    return Luggage(tuple(sorted(kept)), pack(kept, home, without=without))


def _complaint(faults: Mapping[str, str], what: str, where: str) -> str:
    lines = "\n".join(f"  `{name}`: {reason}" for name, reason in faults.items())
    noun = "these names" if len(faults) > 1 else "a name"
    return (
        f"Nothing was started: {noun} that the {what} needs cannot travel to the {_many(where)}.\n{lines}\n"
        f"Make them inside the {what}, where each {where} makes its own."
    )


def _many(noun: str) -> str:
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"


def _refusals(
    names: Mapping[str, object], home: dict[str, Any], without: Collection[str]
) -> Iterator[tuple[str, str]]:
    for name, value in names.items():
        if _refusal(value, home, without) is not None:
            yield name, reason(value, home, without)


def reason(value: object, home: dict[str, Any], without: Collection[str] = ()) -> str:
    """Why `value`, which cannot travel, cannot.

    Example:
        >>> import threading
        >>> reason([threading.Lock()], {})
        "a `list`, because of `[0]`: cannot pickle '_thread.lock' object"
    """
    where = _culprit(value, home, without)
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    via = f", because of {where}" if where else ""
    return f"a `{kind}`{via}: {_first_line(_refusal(value, home, without))}"


def _refusal(value: object, home: dict[str, Any], without: Collection[str]) -> Exception | None:
    try:
        pack({"value": value}, home, without=without)
    except Exception as error:  # see pack
        return error
    return None


def _first_line(error: Exception | None) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _culprit(value: object, home: dict[str, Any], without: Collection[str]) -> str:
    """Where inside `value` the reason lies, as a path of names."""
    path: list[str] = []
    seen = {id(value)}
    for _ in range(_DEPTH):
        for label, part in _parts(value, without):
            if id(part) not in seen and _refusal(part, home, without) is not None:
                path.append(label)
                seen.add(id(part))
                value = part
                break
        else:
            break
    return " → ".join(path)


def _parts(value: object, without: Collection[str]) -> Iterable[tuple[str, object]]:
    if isinstance(value, types.MethodType):
        yield "its object", value.__self__
    elif isinstance(value, types.FunctionType):
        for name in value.__code__.co_names:
            if name in value.__globals__ and name not in without:
                yield f"the name `{name}` that it reads", value.__globals__[name]
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            yield f"`{name}` in its closure", cell.cell_contents
        yield from ((f"its default {item!r:.40}", item) for item in value.__defaults__ or ())
    elif isinstance(value, type):
        for name, part in vars(value).items():
            if not name.startswith("__") or isinstance(part, types.FunctionType):
                yield f"`{value.__name__}.{name}`", part
    elif isinstance(value, Mapping):
        yield from ((f"`[{key!r:.40}]`", part) for key, part in value.items())
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from ((f"`[{index}]`", part) for index, part in enumerate(value))
    elif (kids := sys.modules.get("akidlab.kids.travel")) and type(value) is kids.Kid:
        told, hooks = kids.taken_apart(value)[1]
        yield from ((f"its `{name.removesuffix('_in')}`", part) for name, part in told.items())
        yield from ((f"its hooks `{name}`", part) for name, part in hooks.items())
    else:
        yield f"its class `{type(value).__name__}`", type(value)
        yield from ((f"`.{name}`", part) for name, part in getattr(value, "__dict__", {}).items())


def _display() -> object:
    from IPython.display import display

    return display
