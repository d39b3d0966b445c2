"""The answer: a question, asked of a module, as plain values that may travel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from akidlab.asking.bounds import SECONDS, Bounded
from akidlab.asking.evaluate import Evaluator
from akidlab.asking.language import parse
from akidlab.asking.names import Named, Names, described, paths_of
from akidlab.asking.peek import Peek
from akidlab.errors import AskError

BYTES = 2**20  # of an answer

Values = Mapping[str, Callable[[], Any]]


def answer(
    question: str,
    module: nn.Module,
    values: Values | None = None,
    *,
    peek: Peek | None = None,
    seconds: float = SECONDS,
) -> object:
    """What a question about a module comes to: a number, a text, a list, or a numpy array.

    It is read, never run: names are looked up in the module, methods in a short list. Whatever would write to
    what learns is refused, and so is what takes long, or much memory.

    Args:
        question: such as `conv1.out.std(0)`.
        module: whose parts it may name.
        values: more names, with functions that give their values.
        peek: what was seen of passes that the module did not keep.
        seconds: how long it may take.

    Raises:
        AskError: if a question may not ask that, or it cannot be computed.
        UnknownNameError: if a name is not known.

    Example:
        >>> layer = torch.nn.Linear(2, 3)
        >>> answer("weight.shape", layer)
        [3, 2]
        >>> answer("weight.zero_()", layer)
        Traceback (most recent call last):
        akidlab.errors.AskError: `zero_` writes; a question only reads.
    """
    paths = set(paths_of(module)) if "/" in question else ()
    asked = parse(question, paths)
    with torch.no_grad(), Bounded(seconds) as bounds:
        names = Names(module, values or {}, peek or Peek(), bounds)
        found = Evaluator(names, bounds).value(asked)
    return _plain(found, [0])


def _plain(value: object, size: list[int]) -> object:
    if isinstance(value, Named):
        return described(value.module, value.name)
    if isinstance(value, Tensor):
        return _array(value, size)
    if isinstance(value, (list, tuple)):
        return [_plain(one, size) for one in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        _count(8 + len(value) if isinstance(value, str) else 8, size, type(value).__name__)
        return value
    raise AskError(f"A {type(value).__name__} is no answer; ask for a number or a tensor.")


def _array(tensor: Tensor, size: list[int]) -> object:
    _count(tensor.numel() * tensor.element_size(), size, f"tensor of shape {tuple(tensor.shape)}")
    tensor = tensor.detach()
    if tensor.dtype is torch.bfloat16 or "float8" in str(tensor.dtype):
        tensor = tensor.float()
    array = tensor.resolve_conj().resolve_neg().to_dense().cpu().numpy()
    return np.array(array) if array.ndim else array.item()  # a copy: what learns goes on


def _count(more: int, size: list[int], what: str) -> None:
    size[0] += more
    if size[0] > BYTES:
        raise AskError(
            f"The answer, a {what}, is larger than {BYTES // 2**20} MB. Reduce it, such as by `.mean(0)`, "
            "`[:100]` or `percentiles(...)`."
        )
