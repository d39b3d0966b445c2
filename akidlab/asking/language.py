"""The language of questions: a small part of Python's expressions, checked before anything is looked up."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from akidlab.errors import AskError

LONGEST = 1000  # characters
MOST = 300  # nodes
DEEPEST = 30
EXAMPLE = "Ask for one value, such as `conv1.out.std(0)`"

_VALUES = (ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Constant, ast.Tuple, ast.List, ast.Call)
_WORDS = (ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.keyword, ast.Load)
_OPERATORS = (ast.unaryop, ast.operator, ast.boolop, ast.cmpop)
_KNOWN = (*_VALUES, *_WORDS, *_OPERATORS)
_QUOTED = r"\"[^\"]*\"|'[^']*'"
_PATH = re.compile(rf"{_QUOTED}|[^\W\d]\w*(?:/[^\W\d]\w*)+")
_DOTTED = re.compile(rf"{_QUOTED}|(?<![\w.)\]])(?:\d+|[^\W\d]\w*)(?:\.(?:\d+|[^\W\d]\w*))+")
_PLAIN = (bool, int, float, str, type(None), type(...))


def parse(text: object, paths: Collection[str] = ()) -> ast.expr:
    """The question that `text` asks, checked: it calls by name only, binds nothing and is small.

    Args:
        text: the question.
        paths: what blocks within blocks are called in tags, such as `encoder/relu0`; which divides nothing.

    Raises:
        AskError: if it is no expression, or more than a question may be.

    Example:
        >>> ast.unparse(parse("conv1.out.std( 0 )"))
        'conv1.out.std(0)'
        >>> ast.unparse(parse("mlp/relu0.out / encoder.layer.1.out", ["mlp/relu0"]))
        "brain['mlp/relu0'].out / encoder.layer[1].out"
        >>> parse("import os")
        Traceback (most recent call last):
        akidlab.errors.AskError: `import os` is no expression. Ask for one value, such as `conv1.out.std(0)`.
    """
    question = _expression(text, paths)
    for count, (_, depth) in enumerate(_walk(question)):  # first of all: what is too deep cannot be quoted
        if count > MOST or depth > DEEPEST:
            raise AskError(f"The question has too many parts. {EXAMPLE}; ask several, one after the other.")
    for node, _ in _walk(question):
        _check(node)
    return question


def _expression(text: object, paths: Collection[str]) -> ast.expr:
    if not isinstance(text, str) or not text.strip():
        raise AskError(f"There is no question in {text!r:.40}. {EXAMPLE}.")
    if len(text) > LONGEST:
        raise AskError(f"The question has {len(text):,} characters; at most {LONGEST:,} are read.")
    if "\\" in text or not text.isprintable():
        raise AskError(f"A question has no backslashes and no special characters; found {text!r:.60}.")
    try:
        spelt = _PATH.sub(lambda found: _by_path(found[0], paths), text.strip())
        return ast.parse(_DOTTED.sub(lambda found: _by_number(found[0]), spelt), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise AskError(f"`{text.strip()[:60]}` is no expression. {EXAMPLE}.") from None


def _by_path(text: str, paths: Collection[str]) -> str:
    """Names with slashes between them: each longest path as one name, the rest as it is."""
    parts, found = text.split("/"), []
    while parts:
        end = next((n for n in range(len(parts), 1, -1) if "/".join(parts[:n]) in paths), 1)
        path = "/".join(parts[:end])
        found.append(path if end == 1 else f"brain[{path!r}]")
        del parts[:end]
    return "/".join(found)


def _by_number(text: str) -> str:
    """Names with dots between them as torch writes them, some of them numbers, in Python's words."""
    parts = text.split(".")
    if text[0] in "\"'" or _is_number(text) or not any(part.isdigit() for part in parts):
        return text
    spelt = "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts)
    return f"brain{spelt}" if parts[0].isdigit() else spelt[1:]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _walk(question: ast.expr) -> Iterator[tuple[ast.AST, int]]:
    waiting: list[tuple[ast.AST, int]] = [(question, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def _check(node: ast.AST) -> None:
    if not isinstance(node, _KNOWN):
        raise AskError(f"A question cannot hold {_told(node)}. {EXAMPLE}.")
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    if name.startswith("_"):
        raise AskError(f"`{name}` is private; a question may not look there.")
    if name.endswith("_") or (isinstance(node, ast.keyword) and node.arg in ("out", "inplace")):
        raise AskError(f"`{name or node.arg}` writes; a question only reads.")  # type: ignore[attr-defined]
    if isinstance(node, ast.keyword) and node.arg is None:
        raise AskError(f"A question cannot hold `**`. {EXAMPLE}.")
    if isinstance(node, ast.Constant) and not isinstance(node.value, _PLAIN):
        raise AskError(f"A question cannot hold {node.value!r:.40}: numbers and names will do.")


def _told(node: ast.AST) -> str:
    text = f"`{ast.unparse(node)[:40]}`" if isinstance(node, ast.expr) else f"`{type(node).__name__.lower()}`"
    return f"{text} (a {type(node).__name__})" if isinstance(node, ast.expr) else text
