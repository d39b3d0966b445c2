"""The body of a training cell: run as the notebook would run it, and the kid that it made."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from akidlab.errors import MagicError, unknown
from akidlab.magics import folding
from akidlab.session.freenames import free_names

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from akidlab.kids import Kid


_SECRET = re.compile(
    r"""(\w*(?:key|token|secret|passwor[dt]|credential)\w*["']?\]?\s*[=:]\s*)(["']).+?\2""", re.IGNORECASE
)


def with_first_line(line: str, cell: str, magic: str = "akid_train") -> str:
    """The whole cell, its magic as a comment: so that the lines have the numbers that the user sees.

    Example:
        >>> with_first_line("kid --steps 5", "kid = Kid()")
        '# %%akid_train kid --steps 5\\nkid = Kid()'
    """
    if cell.lstrip().startswith("%%"):
        raise MagicError(
            f"`%%{magic}` holds Python. Write the other magic above it, or in a cell of its own."
        )
    return f"# %%{magic} {line}".rstrip() + "\n" + cell


def run(shell: InteractiveShell, source: str) -> None:
    """Run `source` in the notebook as a cell of its own: display, `_` and tracebacks are as always.

    Raises:
        MagicError: if it is not Python, or awaits at top level.
        Exception: what the cell raised.
    """
    __tracebackhide__ = True
    if shell.should_run_async(source, transformed_cell=shell.transform_cell(source)):
        raise MagicError(
            "The cell awaits at top level; a training cell is plain Python. Await in a cell above, and use "
            "its value here."
        )
    with _shown_later(shell) as lines:
        result = shell.run_cell(source, store_history=False)
    error = result.error_before_exec or result.error_in_exec
    if error is None:
        return
    if isinstance(error, SyntaxError):  # IPython would show the way through akidlab, too
        error = MagicError(f"The cell is not Python: {error}")
    elif not hasattr(error, "_render_traceback_"):
        lines = folding.lines(error, shell)
    error._render_traceback_ = lambda: list(lines)  # type: ignore[union-attr]
    raise error


def not_python(shell: Any, error: SyntaxError) -> MagicError:
    """The error for a cell that does not even begin to run, shown as IPython shows such a cell."""
    told = MagicError(f"The cell is not Python: {error}")
    lines = shell.SyntaxTB.structured_traceback(type(error), error, [])
    told._render_traceback_ = lambda: list(lines)  # type: ignore[method-assign]
    return told


@contextmanager
def _shown_later(shell: Any) -> Iterator[list[str]]:
    """Keep the traceback of the inner cell back: the cell around raises it again, and it is shown once."""
    kept: list[str] = []
    shell._showtraceback = lambda kind, error, lines: kept.__setitem__(slice(None), lines)
    try:
        yield kept
    finally:
        del shell._showtraceback  # the method of the class is there again


def without_secrets(code: str, most: int = 16_000) -> str:
    """`code` as the store keeps it: what is bound to a name such as `token` or `password` is left out.

    Example:
        >>> without_secrets('API_KEY = "abc"; rate = 0.1')
        'API_KEY = "..."; rate = 0.1'
    """
    hidden = _SECRET.sub(r"\1\2...\2", code)
    return hidden if len(hidden) <= most else hidden[:most] + "\n..."


def is_kid(value: object) -> bool:
    """True for a Kid; where none was ever made, torch is not loaded to find out."""
    module = sys.modules.get("akidlab.kids.kid")
    return module is not None and isinstance(value, module.Kid)


def kids(namespace: Mapping[str, object]) -> dict[str, Kid]:
    """The kids of the notebook, by the names of its variables."""
    return {
        name: value  # type: ignore[misc]
        for name, value in list(namespace.items())
        if not name.startswith("_") and is_kid(value)
    }


def named(shell: InteractiveShell, name: str | None) -> tuple[str, Kid]:
    """The kid that the line means: the one named, else `kid`, else the only one there is.

    Raises:
        MagicError: if that is none, or more than one.
    """
    there = kids(shell.user_ns)
    if name is not None:
        return name, _check(name, _evaluate(shell, name, there))
    if "kid" in shell.user_ns:
        return "kid", _check("kid", shell.user_ns["kid"])
    return _only(
        there, "The notebook has no kid yet. Make one: `kid = Kid(sensor, brain, kongfu, max_steps=100)`."
    )


def made(
    shell: InteractiveShell, name: str | None, before: Mapping[str, Kid], source: str
) -> tuple[str, Kid]:
    """The kid that a body made: the one named on the line, else `kid`, else the only one.

    One that was there before counts only if the body binds its name (`kid = kids[0]`): ranks, too, know no
    other.

    Args:
        shell: where the body ran.
        name: the variable named on the line, if any.
        before: the kids there were before the body ran.
        source: the body, as plain Python.

    Raises:
        MagicError: if that is none, or more than one.
    """
    bound = free_names(source).bound
    after = kids(shell.user_ns)
    fresh = {key: kid for key, kid in after.items() if before.get(key) is not kid or key in bound}
    if name is not None:
        if name in shell.user_ns and (name in fresh or name not in after):
            return name, _check(name, shell.user_ns[name])
        raise MagicError(
            f"The cell was to make the kid `{name}`, as its first line says, and did not. "
            f"It made: {', '.join(fresh) or 'no kid'}.{_of_an_earlier_cell([name] if name in after else [])}"
        )
    if "kid" in fresh:
        return "kid", fresh["kid"]
    return _only(
        fresh,
        "The cell made no kid. Its body builds one, and gives it a name: `kid = Kid(sensor, brain, kongfu, "
        f"max_steps=100)`.{_of_an_earlier_cell(list(after))}",
    )


def _of_an_earlier_cell(names: list[str]) -> str:
    if not names:
        return ""
    name = "kid" if "kid" in names else names[0]
    return f" To train `{name}` of an earlier cell, write `%akid_train {name}` in a cell of its own."


def _only(found: Mapping[str, Kid], none: str) -> tuple[str, Kid]:
    distinct = {id(kid): (name, kid) for name, kid in found.items()}
    if not distinct:
        raise MagicError(none)
    if len(distinct) > 1:
        raise MagicError(
            f"There are {len(distinct)} kids here: {', '.join(found)}. Name the one to train: `%akid_train "
            f"{next(iter(found))}`."
        )
    return next(iter(distinct.values()))


def _evaluate(shell: InteractiveShell, name: str, there: Mapping[str, Kid]) -> object:
    """The value of `name`: a variable, or what is reached from one, such as `kids[0]`."""
    root = _root(name)
    if root is None:
        raise MagicError(f"`{name}` names no kid. Write the name of a variable, such as `kid` or `kids[0]`.")
    if root not in shell.user_ns:
        raise MagicError(*unknown("kid", name, there).args)
    try:
        return shell.ev(name)
    except Exception as error:  # whatever the lookup raises: the user wrote it
        raise MagicError(f"`{name}` cannot be looked up: {type(error).__name__}: {error}.") from None


def _root(name: str) -> str | None:
    try:
        node = ast.parse(name, mode="eval").body
    except SyntaxError:
        return None
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _check(name: str, value: object) -> Kid:
    if not is_kid(value):
        found = "a class" if isinstance(value, type) else f"of type {type(value).__name__}"
        raise MagicError(f"`{name}` is {found}; what trains is a Kid.")
    return value  # type: ignore[return-value]
