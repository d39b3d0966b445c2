"""Axes: the `name=expression` words on the line of a magic, told apart from its options."""

from __future__ import annotations

import re

from akidlab.errors import MagicError

_AXIS = re.compile(r"(?<!\S)([A-Za-z_]\w*)=")
_PAIRS = {"(": ")", "[": "]", "{": "}"}


def axes(line: str) -> tuple[dict[str, str], str]:
    """The expressions on `line` by their names, and what is left of it.

    An expression ends at the first blank outside of brackets and quotes.

    Raises:
        MagicError: if a name is there twice, or has no expression, or a bracket is not closed.

    Example:
        >>> axes("setup lr=[0.1, 0.01] --repeat 2 act=['relu']")
        ({'lr': '[0.1, 0.01]', 'act': "['relu']"}, 'setup --repeat 2')
    """
    found: dict[str, str] = {}
    rest, at = [], 0
    while match := _AXIS.search(line, at):
        name, end = match[1], _end(line, match.end())
        rest.append(line[at : match.start()].strip())
        if name in found:
            raise MagicError(f"`{name}` is there twice.")
        found[name], at = line[match.end() : end], end
        if not found[name]:
            raise MagicError(f"`{name}=` needs a value right behind it, such as `{name}=[1, 2]`.")
    rest.append(line[at:].strip())
    return found, " ".join(filter(None, rest))


def _end(line: str, start: int) -> int:
    """Where the expression that begins at `start` ends."""
    closing: list[str] = []
    quote = ""
    for at in range(start, len(line)):
        character = line[at]
        if quote:
            quote = "" if character == quote and line[at - 1] != "\\" else quote
        elif character in "'\"":
            quote = character
        elif character in _PAIRS:
            closing.append(_PAIRS[character])
        elif closing and character == closing[-1]:
            closing.pop()
        elif character.isspace() and not closing:
            return at
    if closing or quote:
        raise MagicError(f"`{line[start:]}` lacks its closing `{quote or closing[-1]}`.")
    return len(line)
