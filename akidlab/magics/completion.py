"""Completion: options, and the names of kids and runs, behind the magics of akidlab."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from akidlab.errors import AkidlabError
from akidlab.magics import arguments, body

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

Completer = Callable[["InteractiveShell", Any], list[str]]
_OF_RUNS = ("--resume",)
_MOST = 200


def completer(magic: Any, *, kids: bool = False) -> Completer:
    """What IPython asks for the words that may stand behind `magic`.

    Args:
        magic: a function with `@magic_arguments()`.
        kids: True if kids may stand there, too.
    """
    takers = {
        option for action in magic.parser._actions if action.nargs is None for option in action.option_strings
    }

    def complete(shell: InteractiveShell, event: Any) -> list[str]:
        words = event.text_until_cursor.split()[1:]
        before = words[:-1] if event.symbol and words else words
        last = before[-1] if before else ""
        if last in _OF_RUNS:
            return _runs()
        if last in takers:
            return []  # a number or a new name: nothing to offer
        given = {word.partition("=")[0] for word in before}
        offered = [option for option in arguments.options(magic) if option not in given]
        return [*(body.kids(shell.user_ns) if kids else ()), *offered]

    return complete


def _runs() -> list[str]:
    from akidlab.store import runs

    try:
        return [shlex.quote(name) for name in runs().names()[:_MOST]]
    except AkidlabError:
        return []
