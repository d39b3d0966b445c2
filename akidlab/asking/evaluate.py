"""Evaluate: what a question comes to, part by part; nothing in it is ever run as code."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from akidlab.asking import functions
from akidlab.asking.bounds import Bounded
from akidlab.asking.names import Named, Names, Unseen, known_in, said
from akidlab.errors import AkidlabError, AskError

_NOTHING = torch.empty(0)
LARGEST = 2.0**63  # of whole numbers: larger ones are computed with as floats

OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class Evaluator:
    """Computes the value of a parsed question.

    Args:
        names: what it may name.
        bounds: how long it may take.
    """

    def __init__(self, names: Names, bounds: Bounded) -> None:
        self._names, self._bounds = names, bounds

    def value(self, node: ast.AST) -> Any:
        """What `node` comes to.

        Raises:
            AskError: if a question may not ask that, or it cannot be computed.
            UnknownNameError: if a name is not known.
        """
        self._bounds.check_time()
        visit = getattr(self, f"_{type(node).__name__.lower()}", None)
        if visit is None:
            raise AskError(f"A question cannot hold `{said(node)}`.")
        try:
            return visit(node)
        except (AkidlabError, Unseen):
            raise
        except Exception as error:  # whatever torch says: it goes to who asked
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise AskError(f"`{said(node)}` cannot be computed: {lines[0]}") from None

    # -- names, and what is in them

    def _name(self, node: ast.Name) -> object:
        return self._names.value(node.id)

    def _attribute(self, node: ast.Attribute) -> object:
        holder = node.value
        held = self._names.block(holder.id) if isinstance(holder, ast.Name) else self.value(holder)
        if isinstance(held, Named):
            return self._names.member(held, node.attr)
        if isinstance(held, Tensor) and node.attr == "grad":
            return self._names.gradient(held, said(holder))
        return functions.attribute(_plain(held), node.attr)

    def _subscript(self, node: ast.Subscript) -> object:
        holder = node.value
        held = self._names.block(holder.id) if isinstance(holder, ast.Name) else self.value(holder)
        index = self.value(node.slice)
        if isinstance(held, Named):
            if isinstance(index, bool) or not isinstance(index, (str, int)):
                raise AskError(f"`{said(holder)}` is a block; it is taken apart by name or number.")
            return self._names.member(held, index)
        if isinstance(held, (Tensor, tuple, list)) and not isinstance(index, str):
            return _plain(held)[_index(index)]
        raise AskError(f"`{said(holder)}` has no parts: it is a {type(held).__name__}.")

    def _slice(self, node: ast.Slice) -> slice:
        parts = (None if part is None else self.value(part) for part in (node.lower, node.upper, node.step))
        return slice(*parts)

    def _constant(self, node: ast.Constant) -> object:
        return _small(node.value)

    def _tuple(self, node: ast.Tuple) -> tuple[object, ...]:
        return tuple(self.value(part) for part in node.elts)

    def _list(self, node: ast.List) -> list[object]:
        return [self.value(part) for part in node.elts]

    # -- what is computed

    def _call(self, node: ast.Call) -> object:
        if isinstance(node.func, ast.Name) and node.func.id == "names":
            return self._known(node)
        options = {str(word.arg): _argument(self.value(word.value)) for word in node.keywords}
        values = [_argument(self.value(part)) for part in node.args]
        if isinstance(node.func, ast.Attribute):
            holder = node.func.value
            held = self._names.block(holder.id) if isinstance(holder, ast.Name) else self.value(holder)
            if isinstance(held, Named):
                method = node.func.attr if node.func.attr in functions.METHODS else "std"
                raise AskError(
                    f"`{said(holder)}` is a block, and has no `{node.func.attr}` that a question may call. "
                    f"Ask for what it holds: `{said(holder)}.out.{method}()`."
                )
            return _small(functions.call(node.func.attr, [_plain(held), *values], options))
        if isinstance(node.func, ast.Name):
            return _small(functions.call(node.func.id, values, options))
        raise AskError(f"`{said(node.func)}` cannot be called.")

    def _known(self, node: ast.Call) -> list[str]:
        """What may be asked next: behind a dot, or at all."""
        if len(node.args) > 1 or node.keywords:
            raise AskError("`names` takes one block or tensor, such as `names(conv1)`, or nothing.")
        if not node.args:
            return [*self._names.known(), *functions.FUNCTIONS]
        holder = node.args[0]
        try:
            held = self._names.block(holder.id) if isinstance(holder, ast.Name) else self.value(holder)
        except Unseen:  # a pass; a look at the next one would hardly say more
            is_list = isinstance(holder, ast.Attribute) and holder.attr == "inputs"
            return functions.known_in([_NOTHING] if is_list else _NOTHING)
        return known_in(held) if isinstance(held, Named) else functions.known_in(held)

    def _unaryop(self, node: ast.UnaryOp) -> object:
        value = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            return not _truth(value, node.operand)
        return _small(OPERATORS[type(node.op)](_operand(value, node.operand)))

    def _binop(self, node: ast.BinOp) -> object:
        left, right = self.value(node.left), self.value(node.right)  # a name that is unknown is said first
        left, right = _operand(left, node.left), _operand(right, node.right)
        if type(node.op) not in OPERATORS:
            raise AskError(f"`{said(node)}` is no arithmetic that a question knows.")
        if isinstance(node.op, ast.Pow) and not isinstance(left, Tensor) and not isinstance(right, Tensor):
            left = float(left) if abs(right) * math.log2(max(2, abs(left))) > 62 else left
        return _small(OPERATORS[type(node.op)](left, right))

    def _compare(self, node: ast.Compare) -> object:
        if len(node.ops) > 1 or type(node.ops[0]) not in OPERATORS:
            raise AskError(f"A question compares two values by ==, !=, <, <=, > or >=; found `{said(node)}`.")
        left, right = self.value(node.left), self.value(node.comparators[0])
        if not (isinstance(left, str) and isinstance(right, str)):
            left, right = _operand(left, node.left), _operand(right, node.comparators[0])
        return OPERATORS[type(node.ops[0])](left, right)

    def _boolop(self, node: ast.BoolOp) -> bool:
        stops_at = isinstance(node.op, ast.Or)
        for part in node.values:
            if _truth(self.value(part), part) is stops_at:
                return stops_at
        return not stops_at


def _small(value: Any) -> Any:
    """Whole numbers that would not fit into 64 bits become floats."""
    if type(value) is int and abs(value) >= LARGEST:
        return float(value)
    if isinstance(value, complex):
        raise ValueError("the result is a complex number")
    return value


def _plain(value: object) -> Any:
    """A parameter without its history."""
    return value.detach() if isinstance(value, Tensor) else value


def _argument(value: object) -> object:
    if isinstance(value, Named):
        raise AskError(f"`{value.name}` is a block; ask for what it holds, such as `{value.name}.out`.")
    if isinstance(value, (list, tuple)):
        return type(value)(_argument(one) for one in value) if type(value) in (list, tuple) else value
    return _plain(value)


def _operand(value: object, node: ast.AST) -> Any:
    if isinstance(value, (Tensor, bool, int, float)):
        return _plain(value)
    what = "a block" if isinstance(value, Named) else f"a {type(value).__name__}"
    raise AskError(f"`{said(node)}` is {what}; only numbers and tensors can be computed with.")


def _truth(value: object, node: ast.AST) -> bool:
    if isinstance(value, (bool, int, float)):
        return bool(value)
    if isinstance(value, Tensor) and value.numel() == 1:
        return bool(value.item())
    raise AskError(f"`{said(node)}` is neither true nor false. Use `&`, `|` and `~` with tensors.")


def _index(index: object) -> Any:
    if isinstance(index, tuple):
        return tuple(_index(part) for part in index)
    if isinstance(index, list) and not all(isinstance(part, int) for part in index):
        raise AskError("A list that is an index holds whole numbers, such as `[0, 2]`.")
    return _argument(index)
