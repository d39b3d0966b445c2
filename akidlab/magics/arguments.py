"""Arguments: the line of a magic, read strictly and answered in plain words."""

from __future__ import annotations

import argparse
import math
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.core.error import UsageError
from IPython.core.getipython import get_ipython

from akidlab import registry
from akidlab.errors import CheckpointError, DispatchError, MagicError, StoreError, WireError, unknown
from akidlab.magics.folding import fold
from akidlab.magics.warned import warned_plainly


def shows_help(magic: Any, line: str) -> bool:
    """True if `line` asks for help; it is shown then, and there is no more to do."""
    if not {"-h", "--help"} & set(line.split()):
        return False
    print(magic.parser.format_help().removeprefix("::").strip("\n"))
    return True


def read(magic: Any, line: str) -> argparse.Namespace:
    """The arguments on `line`, as the decorators of `magic` declare them.

    Args:
        magic: a function with `@magic_arguments()`.
        line: what stands behind the magic.

    Raises:
        MagicError: if an option is unknown (it names the nearest), lacks its value, or there is too much.
    """
    name = magic.__name__
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise MagicError(f"The line of `%{name}` cannot be read: {error}.") from None
    try:
        arguments, rest = magic.parser.parse_known_args(words)
    except UsageError as error:
        raise MagicError(_plainly(str(error), name, words)) from None
    for word in rest:
        if word.startswith("-"):
            known = sorted(options(magic), key=lambda option: option.lstrip("-"))
            raise MagicError(*unknown("option", word.partition("=")[0], known).args)
        hint = _listed(words, word) or f"Write `%{name}?` to see what it takes."
        raise MagicError(f"`{word}` is too much for `%{name}`. {hint}")
    return arguments


def _listed(words: list[str], word: str) -> str:
    """How to write what was meant to be one more value of `--watch`, if `word` was."""
    found = re.search(r"--watch[ =](\S+)$", " ".join(words[: words.index(word)]))
    return f"Topics are parted by commas: `--watch {found[1]},{word}`." if found else ""


def options(magic: Any) -> list[str]:
    """Every option of `magic`, long spellings first."""
    found = {option for action in magic.parser._actions for option in action.option_strings}
    return sorted(found, key=lambda option: (not option.startswith("--"), option))


def whole(option: str, text: str | None) -> int | None:
    """`text` as a whole number of 1 or more.

    Raises:
        MagicError: if it is none.
    """
    if text is None:
        return None
    if not re.fullmatch(r"\+?[0-9]+(_[0-9]+)*", text) or int(text) < 1:
        raise MagicError(f"`{option}` is a whole number of 1 or more; found `{text}`.")
    return int(text)


def number(option: str, text: str | None, *, positive: bool = False) -> float | None:
    """`text` as a number of 0 or more, or more than 0.

    Raises:
        MagicError: if it is none.
    """
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and (value > 0 or (value == 0 and not positive))):
        raise MagicError(
            f"`{option}` is a number {'above 0' if positive else 'of 0 or more'}; found `{text}`."
        )
    return value


def share(option: str, text: str | None) -> float | None:
    """`text` as a share between 0 and 1: `2%` and `0.02` are the same.

    Raises:
        MagicError: if it is none.
    """
    if text is None:
        return None
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise MagicError(f"`{option}` is a share of the time, such as 2% or 0.02; found `{text}`.")
    return value


def keep(text: str | None) -> dict[str, int]:
    """`text` as what is told a `Keep`: `5`, `5,20` or `5,20,4GB`.

    Raises:
        MagicError: if it is none.
    """
    if text is None:
        return {}
    found = re.fullmatch(r"([1-9]\d*)(?:,([1-9]\d*)(?:,([1-9]\d*(?:\.\d+)?) ?([kMGT]?)B)?)?", text)
    if found is None:
        raise MagicError(
            "`--keep` is how many of the last checkpoints stay, such as `5`; `5,20` for 20 in all, "
            f"`5,20,4GB` for no more bytes than that. Found `{text}`."
        )
    last, files, size, unit = found.groups()
    told = {"last": int(last), "files": files and int(files)}
    told["bytes"] = size and int(float(size) * 1000 ** " kMGT".index(unit or " "))
    return {name: value for name, value in told.items() if value is not None}


def launcher(text: str | None) -> str | None:
    """`text` as the name of what starts ranks.

    Raises:
        MagicError: if no installed package offers it.
    """
    known = [] if text is None else registry.names("akidlab.launchers")
    if text is not None and text not in known:
        raise MagicError(*unknown("launcher", text, known).args)
    return text


@contextmanager
def plainly() -> Iterator[None]:
    """Let errors be shown without the way through akidlab, those that say all there is in one line.

    Warnings, too.
    """
    __tracebackhide__ = True
    try:
        with warned_plainly():
            yield
    except (StoreError, DispatchError, CheckpointError, WireError) as error:
        if not hasattr(error, "_render_traceback_"):  # IPython asks for it
            lines = [f"{type(error).__name__}: {error}"]
            error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]
        raise
    except Exception as error:
        fold(error, get_ipython())
        raise


def _plainly(text: str, name: str, words: list[str]) -> str:
    found = re.search(r"argument (\S+): (.*)", text)
    if found is None:
        return f"{text[:1].upper()}{text[1:]}. Write `%{name}?` to see what it takes."
    spellings = found[1].split("/")
    option = next((spelling for spelling in spellings if spelling in words), spellings[-1])  # as it was typed
    if "expected one argument" in found[2]:
        return f"`{option}` needs a value behind it. Write `%{name}?` to see what it takes."
    return f"`{option}`: {found[2]}. Write `%{name}?` to see what it takes."
