"""Completion: options, and the names of kids and runs, behind the magics of akidlab."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher

from akidlab.errors import AkidlabError
from akidlab.magics import arguments, body, questions
from akidlab.messages.topics import GROUPS, TOPICS
from akidlab.registry import names
from akidlab.session import Session
from akidlab.session.cells import GIVEN

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

IDENTIFIER = "akidlab.magics"
_OF_RUNS = ("--resume", "--from", "--run", "--attach")
_LIVE_FIRST = ("--run", "--attach")
_MOST = 200
# IPython calls nothing to complete: what is called, and how the name begins, is read.
_NAME_OF_RUN = re.compile(r"(?<!\w)(?:runs\(\)\[|(attach)\()(?:'([^']*)|\"([^\"]*))$")
_ASSIGNED = re.compile(r"^\s*[^\W\d][\w.\s,]*=\s*(?=%)")  # as in `spread = %akid_ask conv1.out.std()`


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
        if key := _NAME_OF_RUN.search(line):
            return _keys(key[2] or key[3] or "", context.token, live_first=key[1] is not None)
        if context.cursor_line and context.full_text.lstrip().startswith("%%akid_ranks"):
            found = [text for text in _of_ranks() if text.startswith(context.token)]
            return {"completions": [SimpleCompletion(text) for text in found], "suppress": False}
        line = _ASSIGNED.sub("", line)
        name = line.split(None, 1)[0].lstrip("%") if line.strip() else ""
        words = line.split()[1:]
        if name not in magics or not (words or line[-1].isspace()):
            return {"completions": [], "suppress": False}
        word = "" if line[-1].isspace() else words.pop()
        offered = _offer(shell, name, words, word, magics[name])
        at = len(word) - len(context.token) if word.endswith(context.token) else 0  # it ends the word
        found = [text[at:] for text in offered if text.startswith(word)]
        return {"completions": [SimpleCompletion(text) for text in found], "suppress": True, "ordered": True}

    return match


def _offer(shell: InteractiveShell, name: str, before: list[str], word: str, takes_kids: bool) -> list[str]:
    """What may take the place of `word`, behind the words before."""
    magic: Any = shell.find_line_magic(name)
    takers = _takers(magic)
    last, head = before[-1] if before else "", ""
    if word.startswith("--") and "=" in word:
        last, head = word.partition("=")[0], word.partition("=")[0] + "="
    if last in takers:  # its value
        return [head + value for value in _values(name, last, takers[last], word.removeprefix(head))]
    given = {one.partition("=")[0] for one in before}
    left = [option for option in arguments.options(magic) if option not in given]
    opened = next((one for one in reversed(before) if one.startswith("-")), "")
    more = _metrics(word) if opened == "--metrics" else []  # it takes several
    if name == "akid_ask" and not word.startswith("--"):
        more = questions.next_words(" ".join([*before, word]), word)
    if name == "akid_gather":
        more = _of_ranks()
    return [*more, *(sorted(body.kids(shell.user_ns)) if takes_kids else ()), *left]


def _of_ranks() -> list[str]:
    """The names that a cell finds on the ranks."""
    bound = {name for notebook in Session.current().notebooks.values() for name in notebook.names}
    return sorted({*GIVEN, *bound})


def _takers(magic: Any) -> dict[str, Any]:
    """The options of a magic that take a value, by each of their spellings."""
    actions = [action for action in magic.parser._actions if action.nargs in (None, "+", "?")]
    return {option: action for action in actions for option in action.option_strings}


def _values(name: str, option: str, action: Any, word: str) -> list[str]:
    """What may stand behind an option; nothing where that is a number, or a new name."""
    if option in _OF_RUNS:
        if name == "akid_tune":
            return _tunings()
        return _live() if name == "akid_ask" else _runs(live_first=option in _LIVE_FIRST)
    if option == "--launcher":
        return names("akidlab.launchers")
    if option == "--watch":
        return _listed(word, 0, [*GROUPS, *TOPICS])
    return _metrics(word) if option == "--metrics" else list(action.choices or ())


def _metrics(word: str) -> list[str]:
    """Metrics, and behind a colon topics."""
    if ":" not in word:
        return names("akidlab.metrics")
    groups = [group for group, topics in GROUPS.items() if topics]
    return _listed(word, word.index(":") + 1, [*groups, *TOPICS])


def _listed(word: str, start: int, topics: list[str]) -> list[str]:
    """`word` with each topic as the last of those that it lists from `start` on."""
    head = word[: max(start, word.rfind(",") + 1)]
    return [head + topic for topic in topics]


def _keys(begun: str, token: str, *, live_first: bool) -> Any:
    """The names of runs that begin so; a completion takes the place of `token`, which ends at the cursor."""
    at = len(begun) - len(token) if begun.endswith(token) else 0
    fitting = [name for name in _names_of_runs(live_first=live_first) if name.startswith(begun)]
    found = [SimpleCompletion(name[at:]) for name in fitting]
    return {"completions": found, "suppress": True, "ordered": True}


def _tunings() -> list[str]:
    from akidlab.store import Store
    from akidlab.train.ledger import names

    try:
        return [shlex.quote(name) for name in names(Store())[:_MOST]]
    except AkidlabError:
        return []


def _runs(*, live_first: bool) -> list[str]:
    return [shlex.quote(name) for name in _names_of_runs(live_first=live_first)]


def _live() -> list[str]:
    from akidlab.session.ask import live

    return [shlex.quote(name) for name in live()]


def _names_of_runs(*, live_first: bool) -> list[str]:
    from akidlab.store import runs

    try:
        found = runs().live_first() if live_first else runs()
        return found.names()[:_MOST]
    except AkidlabError:
        return []
