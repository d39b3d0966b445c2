"""Comments above a cell magic of ours: IPython wants the magic first, people write comments there."""

from __future__ import annotations

MAGICS = ("%%akid_train", "%%akid_tune")


def cell_magic_first(lines: list[str]) -> list[str]:
    """Bring the magic above the comments and empty lines that stand before it; line numbers stay.

    Raises:
        SyntaxError: if code stands before it.

    Example:
        >>> cell_magic_first(["# two ranks\\n", "%%akid_train -np 2\\n", "kid = make()\\n"])
        ['%%akid_train -np 2\\n', '# two ranks\\n', 'kid = make()\\n']
    """
    if lines and lines[0].startswith("%%"):
        return lines
    at = next((index for index, line in enumerate(lines) if _is_magic(line)), None)
    if at is None:
        return lines
    above = lines[:at]
    if all(not line.strip() or line.lstrip().startswith("#") for line in above):
        return [lines[at], *above, *lines[at + 1 :]]
    number = next(i for i, line in enumerate(above, 1) if line.strip() and not line.lstrip().startswith("#"))
    raise SyntaxError(
        f"`{lines[at].split()[0]}` must be the first line of its cell; found code above it, in line {number}."
        " Move that code below the magic, or to a cell of its own."
    )


def _is_magic(line: str) -> bool:
    return line.startswith(MAGICS) and line.split(None, 1)[0] in MAGICS
