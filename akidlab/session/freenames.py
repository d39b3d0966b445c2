"""Free names: what the source of a cell reads from the notebook, found without running it."""

from __future__ import annotations

import ast
import dis
import types
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from akidlab.errors import MagicError

_READS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}
_WRITES = {"STORE_NAME", "STORE_GLOBAL"}
_DELETES = {"DELETE_NAME", "DELETE_GLOBAL"}
_LEAVES = (ast.Raise, ast.Return, ast.Continue, ast.Break)


@dataclass(frozen=True, slots=True)
class FreeNames:
    """What a cell does with the names of the notebook.

    Args:
        needed: read before the cell itself binds them.
        perhaps: read where the cell may or may not have bound them: after an `if`, or in a loop.
        bound: bound by the cell, whichever way it runs.
    """

    needed: frozenset[str]
    perhaps: frozenset[str]
    bound: frozenset[str]


def free_names(source: str, filename: str = "<cell>") -> FreeNames:
    """The names that `source` needs from the notebook.

    Args:
        source: plain Python (a cell after IPython has translated its magics).
        filename: what syntax errors name.

    Raises:
        SyntaxError: if it is not Python.
        MagicError: if it awaits at top level.

    Example:
        >>> sorted(free_names("sensor = make(rate)\\nkid = Kid(sensor)").needed)
        ['Kid', 'make', 'rate']
    """
    reader = _Reader(filename)
    reader.block(ast.parse(source, filename).body)
    later = reader.later - reader.bound
    needed = {name for name in reader.needed | (later - reader.maybe) if not _is_dunder(name)}
    perhaps = (reader.perhaps | (later & reader.maybe)) - needed
    return FreeNames(frozenset(needed), frozenset(perhaps), frozenset(reader.bound))


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")  # every namespace has its own


class _Reader:
    """Walks statements in order; the compiler itself says what a statement reads and binds."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.bound: set[str] = set()  # on every way to here
        self.maybe: set[str] = set()  # on some way
        self.needed: set[str] = set()
        self.perhaps: set[str] = set()
        self.later: set[str] = set()  # read when a function of the cell is called

    def block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            visit = getattr(self, f"_{type(statement).__name__.lower()}", None)
            if visit is None:
                self._simple(statement)
            else:
                visit(statement)

    def _simple(self, *statements: ast.stmt) -> None:
        module = ast.fix_missing_locations(ast.Module(list(statements), []))
        code = compile(module, self.filename, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        if code.co_flags & (0x80 | 0x200):  # a coroutine or an async generator
            line = statements[0].lineno
            raise MagicError(
                f"Line {line} of the cell awaits at top level; a training cell is plain Python. "
                "Await in a cell above and use its value here."
            )
        self._run(code)

    def _run(self, code: types.CodeType) -> None:
        for instruction in dis.get_instructions(code):
            name = instruction.argval
            if instruction.opname in _READS:
                self._read(name)
            elif instruction.opname in _WRITES:
                self.bound.add(name)
                self.maybe.add(name)
            elif instruction.opname in _DELETES:
                self.bound.discard(name)
            elif isinstance(name, types.CodeType):
                self._nested(name)

    def _read(self, name: str) -> None:
        if name not in self.bound:
            (self.perhaps if name in self.maybe else self.needed).add(name)

    def _nested(self, code: types.CodeType) -> None:
        at_once = not code.co_flags & 0x2 or code.co_name in _COMPREHENSIONS  # 0x2: a function's own locals
        own: set[str] = set()
        for instruction in dis.get_instructions(code):
            name = instruction.argval
            if instruction.opname == "STORE_NAME":
                own.add(name)
            elif instruction.opname in _WRITES and at_once:
                self.bound.add(name)
                self.maybe.add(name)
            elif instruction.opname in _READS and name not in own:
                if at_once:
                    self._read(name)
                else:
                    self.later.add(name)
            elif isinstance(name, types.CodeType):
                self._nested(name)

    def _break(self, node: ast.Break) -> None:
        """Reads and binds nothing, and compiles only inside its loop."""

    def _continue(self, node: ast.Continue) -> None:
        """The same."""

    def _value(self, *values: ast.expr | None) -> None:
        for value in values:
            if value is not None:
                self._simple(ast.copy_location(ast.Expr(value), value))

    def _target(self, target: ast.expr) -> None:
        nothing = ast.copy_location(ast.Constant(None), target)
        self._simple(ast.copy_location(ast.Assign([target], nothing), target))

    def _branches(self, *branches: Sequence[ast.stmt]) -> None:
        """Ways of which one is taken: only what all that come out again bind is surely bound."""
        before, after = set(self.bound), []
        for branch in branches:
            self.bound = set(before)
            self.block(branch)
            if not (branch and isinstance(branch[-1], _LEAVES)):
                after.append(self.bound)
        self.bound = set.intersection(*after) if after else before

    def _if(self, node: ast.If) -> None:
        self._value(node.test)
        self._branches(node.body, node.orelse)

    def _while(self, node: ast.While) -> None:
        self._value(node.test)
        before = set(self.bound)
        self.block(node.body)
        self.bound = before
        self.block(node.orelse)

    def _for(self, node: ast.For) -> None:
        self._value(node.iter)
        before = set(self.bound)
        self._target(node.target)
        self.block(node.body)
        self.bound = before
        self.block(node.orelse)

    def _with(self, node: ast.With) -> None:
        for item in node.items:
            self._value(item.context_expr)
            if item.optional_vars is not None:
                self._target(item.optional_vars)
        self.block(node.body)

    def _try(self, node: ast.Try) -> None:
        before = set(self.bound)
        self.block([*node.body, *node.orelse])
        after = [self.bound]
        for handler in node.handlers:
            self.bound = set(before)
            self._value(handler.type)
            self.bound |= {handler.name} if handler.name else set()
            self.block(handler.body)
            if not isinstance(handler.body[-1], _LEAVES):
                after.append(self.bound)
        self.bound = set.intersection(*after)
        self.block(node.finalbody)

    _trystar = _try

    def _match(self, node: ast.Match) -> None:
        self._value(node.subject)
        before = set(self.bound)
        for case in node.cases:
            self.bound = before | {
                name for part in ast.walk(case.pattern) for name in _captured(part) if name is not None
            }
            self.maybe |= self.bound
            self._value(*(part for part in ast.walk(case.pattern) if isinstance(part, ast.expr)), case.guard)
            self.block(case.body)
        self.bound = before


_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


def _captured(part: ast.AST) -> tuple[str | None, ...]:
    if isinstance(part, (ast.MatchAs, ast.MatchStar)):
        return (part.name,)
    return (part.rest,) if isinstance(part, ast.MatchMapping) else ()
