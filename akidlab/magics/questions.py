"""Questions: what may stand next in a question to a live run, as the run itself tells."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w*$")
_OPENING, _CLOSING, _QUOTES = "([", ")]", "\"'"
_OPTION = re.compile(r"--(run|rank)[\s=]+(?:\"([^\"]*)\"|'([^']*)'|(\S+))")


def next_words(line: str, word: str) -> list[str]:
    """What may take the place of `word`, with which `line` ends: the names that the run asked knows.

    Nothing if no run answers at once.

    Args:
        line: what stands behind `%akid_ask`, up to the cursor.
        word: its end, from the last blank on.
    """
    from akidlab.session.ask import names

    options = {match[1]: match[2] or match[3] or match[4] for match in _OPTION.finditer(line)}
    rank = options.get("rank", "0")
    holder, begun, is_key = parted(_OPTION.sub("", line))
    known = names(holder, options.get("run"), rank=int(rank) if rank.isdigit() else 0)
    found = [name for name in known if name.startswith(begun) and (is_key or name.isidentifier())]
    if word.endswith(begun):
        return [word.removesuffix(begun) + name for name in found]
    return [name[len(begun) - len(word) :] for name in found]  # a key with a blank in it


def parted(question: str) -> tuple[str, str, bool]:
    """What is looked into at the end of a question, the beginning of the next name, and if that is quoted.

    Example:
        >>> parted("conv1.out.std(0) / conv1.we")
        ('conv1', 'we', False)
        >>> parted("abs(con")
        ('', 'con', False)
        >>> parted("1 - brain['my-block'].weight[0].m")
        ("brain['my-block'].weight[0]", 'm', False)
        >>> parted("brain['re")
        ('brain', 're', True)
    """
    key = re.search(r"\[[\"']([^\"'\]]*)$", question)
    if key:
        return _holder(question[: key.start()]), key[1], True
    begun = _WORD.search(question)[0]  # type: ignore[index]
    before = question[: len(question) - len(begun)].rstrip()
    return (_holder(before[:-1]) if before.endswith(".") else ""), begun, False


def _holder(text: str) -> str:
    """The names, calls and indices, in a row, at the end of `text`."""
    at, depth, quote = len(text), 0, ""
    while at:
        character = text[at - 1]
        if quote:
            quote = "" if character == quote else quote
        elif depth and character in _QUOTES:
            quote = character
        elif character in _CLOSING:
            depth += 1
        elif character in _OPENING and depth:
            depth -= 1
        elif not depth and not (character.isalnum() or character in "_."):
            break
        at -= 1
    return text[at:]
