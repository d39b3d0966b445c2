"""Layout: Python expressions, on one line where they fit and one part to a line where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

WIDTH = 88


@dataclass(frozen=True)
class Row:
    """Parts in brackets, such as the arguments of a call.

    Args:
        opens: what stands before the parts, with the bracket.
        parts: expressions.
        closes: the bracket.
    """

    opens: str
    parts: tuple[Text, ...]
    closes: str


Text = str | Row


def named(name: str, text: Text) -> Text:
    """`text` after `name=`, or after whatever leads to it."""
    return name + text if isinstance(text, str) else replace(text, opens=name + text.opens)


def call(name: str, parts: Sequence[Text]) -> Row:
    """A call of what `name` says."""
    return Row(f"{name}(", tuple(parts), ")")


def flat(text: Text) -> str:
    """An expression on one line.

    Example:
        >>> flat(call("range", ["1", named("stop=", Row("[", ("2", "3"), "]"))]))
        'range(1, stop=[2, 3])'
    """
    return text if isinstance(text, str) else text.opens + ", ".join(map(flat, text.parts)) + text.closes


def laid(text: Text, indent: str = "", *, after: int = 0) -> str:
    """An expression on as few lines as fit.

    Args:
        text: the expression.
        indent: what stands before each further line.
        after: how much of the width is taken on its first line and after its last.

    Example:
        >>> print(laid(call("attach", ["ReLULayer()"] * 9)))
        attach(
            ReLULayer(),
            ReLULayer(),
            ReLULayer(),
            ReLULayer(),
            ReLULayer(),
            ReLULayer(),
            ReLULayer(),
            ReLULayer(),
            ReLULayer(),
        )
    """
    line = flat(text)
    if isinstance(text, str) or not text.parts or len(indent) + len(line) + after <= WIDTH:
        return line
    inner = indent + "    "
    parts = "".join(f"{inner}{laid(part, inner, after=1)},\n" for part in text.parts)
    return f"{text.opens}\n{parts}{indent}{text.closes.lstrip(',')}"
