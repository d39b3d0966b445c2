"""Questions: what may stand next in a question to a live run, as the run itself tells."""

from __future__ import annotations

import re

_PATH = re.compile(r"(?<![\w.)\]])(?:[^\W\d]\w*/)+$")
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
    rank, question = options.get("rank", "0"), _OPTION.sub("", line)

    def known(holder: str) -> list[str]:
        holder = f"brain[{holder}]" if holder.isdigit() else holder
        return names(holder, options.get("run"), rank=int(rank) if rank.isdigit() else 0)

    holder, begun, is_key = parted(question)
    paths = _paths(question, holder, begun)
    if holder:
        offered = next((found for path in paths if (found := known(path + holder))), None) or known(holder)
    else:
        offered = known("")
        for path in paths:
            if found := [name for name in offered if name.startswith(path + begun)]:
                return [word.removesuffix(path + begun) + name for name in found]
    found = [name for name in offered if name.startswith(begun) and (is_key or name.isidentifier())]
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


def _paths(question: str, holder: str, begun: str) -> list[str]:
    """What may be the blocks around what is looked into, the longest first; where none is, it divides.

    Example:
        >>> _paths("lr/encoder/mlp/relu0.ou", "relu0", "ou")
        ['lr/encoder/mlp/', 'encoder/mlp/', 'mlp/']
    """
    before = question[: len(question) - len(begun)]
    found = _PATH.search(before[: before.rindex(holder)] if holder else before)
    parts = found[0].split("/") if found else [""]
    return ["/".join(parts[at:]) for at in range(len(parts) - 1)]


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
