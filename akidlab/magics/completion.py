"""Completion: options, and the names of kids and runs, behind the magics of akidlab."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher

from akidlab.errors import AkidlabError
from akidlab.magics import arguments, body
from akidlab.messages.topics import GROUPS, TOPICS
from akidlab.registry import names

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

IDENTIFIER = "akidlab.magics"
_OF_RUNS = ("--resume", "--run")
_OF_WORDS = {"--watch": lambda: [*GROUPS, *TOPICS], "--metrics": lambda: names("akidlab.metrics")}
_MOST = 200
_KEY_OF_RUNS = re.compile(r"(?<!\w)runs\(\)\[(?:'([^']*)|\"([^\"]*))$")  # IPython calls nothing to complete


def matcher(shell: InteractiveShell, magics: dict[str, bool]) -> Any:
    """What IPython asks for the words that may stand at the cursor.

    Args:
        shell: whose notebook it is.
        magics: the names of our magics, and whether kids may stand behind each.
    """

    # Jedi knows no magics and offers Python; a matcher may silence it, a `complete_command` hook not.
    @context_matcher(priority=100, identifier=IDENTIFIER)
    def match(context: CompletionContext) -> Any:
        line = context.text_until_cursor
        if key := _KEY_OF_RUNS.search(line):
            return _keys(key[1] or key[2] or "", context.token)
        name = line.split(None, 1)[0].lstrip("%") if line.strip() else ""
        words = line.split()[1:]
        if name not in magics or not (words or line[-1].isspace()):
            return {"completions": [], "suppress": False}
        offered = _offer(shell, name, words[:-1] if context.token else words, magics[name])
        found = [SimpleCompletion(text) for text in offered if text.startswith(context.token)]
        return {"completions": found, "suppress": True, "ordered": True}

    return match


def _offer(shell: InteractiveShell, name: str, before: list[str], takes_kids: bool) -> list[str]:
    magic: Any = shell.find_line_magic(name)
    actions = [action for action in magic.parser._actions if action.nargs in (None, "+")]
    takers = {option: action for action in actions for option in action.option_strings}
    last = before[-1] if before else ""
    if last in _OF_RUNS:
        return _tunings() if name == "akid_tune" else _runs()
    if last in takers and takers[last].choices:
        return list(takers[last].choices)
    if last in _OF_WORDS:
        return _OF_WORDS[last]()
    if last in takers:
        return []  # a number, or a new name: nothing to offer
    given = {word.partition("=")[0] for word in before}
    left = [option for option in arguments.options(magic) if option not in given]
    return [*(sorted(body.kids(shell.user_ns)) if takes_kids else ()), *left]


def _keys(begun: str, token: str) -> Any:
    """The names of runs that begin so; a completion takes the place of `token`, which ends at the cursor."""
    at = len(begun) - len(token) if begun.endswith(token) else 0
    found = [SimpleCompletion(name[at:]) for name in _names_of_runs() if name.startswith(begun)]
    return {"completions": found, "suppress": True, "ordered": True}


def _tunings() -> list[str]:
    from akidlab.store import Store
    from akidlab.train.ledger import names

    try:
        return [shlex.quote(name) for name in names(Store())[:_MOST]]
    except AkidlabError:
        return []


def _runs() -> list[str]:
    return [shlex.quote(name) for name in _names_of_runs()]


def _names_of_runs() -> list[str]:
    from akidlab.store import runs

    try:
        return runs().names()[:_MOST]
    except AkidlabError:
        return []
