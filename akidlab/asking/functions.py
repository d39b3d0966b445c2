"""Functions: what may be called in a question, and gives back something new."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from akidlab.errors import AskError, unknown
from akidlab.messages import PERCENTS

_METHODS = """
    abs neg sign sqrt rsqrt square exp expm1 log log2 log10 log1p pow reciprocal sin cos tan tanh sigmoid relu
    softmax log_softmax logsumexp floor ceil round trunc frac clamp clip maximum minimum
    isnan isinf isfinite eq ne lt le gt ge logical_not logical_and logical_or isclose
    sum mean std var prod min max amin amax argmin argmax median nanmedian nansum nanmean quantile nanquantile
    norm cumsum cumprod all any count_nonzero unique sort argsort topk kthvalue mode diff
    numel size dim item nonzero matmul dot
    flatten reshape view unsqueeze squeeze transpose permute movedim t diagonal diag trace tril triu flip roll
    narrow select float double half int long bool cpu detach
"""
_OPTIONS = """
    dim dims dim0 dim1 keepdim correction unbiased p q k n largest sorted descending stable min max bins
    decimals start_dim end_dim source destination shifts start length index offset diagonal interpolation
    exponent other rtol atol equal_nan return_counts
"""
METHODS, OPTIONS = frozenset(_METHODS.split()), frozenset(_OPTIONS.split())
LISTED = 2**16  # numbers in a list
ATTRIBUTES = ("shape", "ndim", "dtype", "device", "T")
_NAMED = ("values", "indices", "counts", "min", "max", "mode")  # parts of what torch returns in twos


def percentiles(tensor: Tensor) -> list[float]:
    """Minimum, 7, 16, 31, 50, 69, 84, 93 % and maximum of all numbers in a tensor, exactly."""
    ordered = _numbers(tensor).sort().values
    at = torch.tensor(PERCENTS, dtype=torch.float64) / 100 * (len(ordered) - 1)
    low = at.long()
    high = (low + 1).clamp(max=len(ordered) - 1)
    ends = ordered[torch.cat([low, high]).to(ordered.device)].double().cpu()
    below, above = ends[: len(at)], ends[len(at) :]
    return torch.where(at == low, below, below + (above - below) * (at - low)).tolist()


def rms(tensor: Tensor) -> Tensor:
    """The root of the mean square."""
    return tensor.float().square().mean().sqrt()


def histogram(tensor: Tensor, bins: int = 20) -> list[list[float]]:
    """How many numbers lie in each of `bins` bins between the least and the greatest, and the edges."""
    if not isinstance(bins, int) or not 1 <= bins <= 1000:
        raise AskError(f"`histogram` has 1 to 1000 bins, found {bins!r}.")
    values = _numbers(tensor)
    low, high = values.min().item(), values.max().item()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise AskError(f"`histogram` needs finite numbers, found {low} to {high}.")
    counts = torch.histc(values, bins, low, high).tolist()
    return [counts, [low + (high - low) * at / bins for at in range(bins + 1)]]


def _tolist(tensor: Any) -> Any:
    if isinstance(tensor, Tensor) and tensor.numel() > LISTED:
        raise AskError(f"`tolist` of {tensor.numel():,} numbers is too long; ask for the tensor itself.")
    return tensor.tolist() if isinstance(tensor, Tensor) else tensor


def _some(tensors: Any) -> list[Tensor]:
    if not isinstance(tensors, (list, tuple)) or not all(isinstance(one, Tensor) for one in tensors):
        raise AskError("`cat` and `stack` take a list of tensors, such as `cat([a.weight, b.weight])`.")
    return list(tensors)


def _rounded(number: float, digits: int = 0) -> float:
    return round(
        float(number), max(-20, min(20, digits))
    )  # of a whole number, Python would compute 10**digits


def _numbers(tensor: Tensor) -> Tensor:
    if not isinstance(tensor, Tensor) or not tensor.numel():
        raise AskError("That needs a tensor with numbers in it.")
    return tensor.flatten().float()


def _where(condition: Tensor, one: Any, other: Any) -> Tensor:
    return torch.where(condition, one, other)


FUNCTIONS: dict[str, Callable[..., object]] = {
    "percentiles": percentiles,
    "histogram": histogram,
    "rms": rms,
    "tolist": _tolist,
    "where": _where,
    "cat": lambda tensors, dim=0: torch.cat(_some(tensors), dim),
    "stack": lambda tensors, dim=0: torch.stack(_some(tensors), dim),
}
NUMBERS: dict[str, Callable[..., object]] = {
    **{"abs": abs, "round": _rounded, "min": min, "max": max, "int": int, "float": float, "bool": bool},
    **{"sqrt": math.sqrt, "exp": math.exp, "log": math.log, "log2": math.log2, "log10": math.log10},
    **{"isnan": math.isnan, "isinf": math.isinf, "isfinite": math.isfinite, "item": lambda number: number},
}
SEQUENCES: dict[str, Callable[..., object]] = {"len": len, "sum": sum, "min": min, "max": max}


def call(name: str, values: Sequence[object], options: dict[str, object]) -> object:
    """What `name` makes of `values`, the first of which is what it is a method of.

    Raises:
        UnknownNameError: if a question may not call it.
        AskError: if it does not fit what it is called with.
    """
    subject = values[0] if values else None
    for option in options:
        if option not in OPTIONS:
            raise unknown("option", option, sorted(OPTIONS))
    if name in FUNCTIONS:
        return FUNCTIONS[name](*values, **options)
    if isinstance(subject, Tensor) and name in METHODS:
        return getattr(subject, name)(*values[1:], **options)
    if isinstance(subject, Tensor) and name == "len":
        return len(subject)
    if isinstance(subject, (bool, int, float)) and name in NUMBERS:
        return NUMBERS[name](*values, **options)
    if isinstance(subject, (list, tuple)) and name in SEQUENCES and not _tensors(subject):
        return SEQUENCES[name](*values, **options)
    raise _refusal(name, subject)


def attribute(value: object, name: str) -> object:
    """The attribute `name` of a tensor, or of what torch returns in twos.

    Raises:
        UnknownNameError: if a question may not look there.
    """
    if isinstance(value, Tensor):
        if name in ("shape", "ndim", "requires_grad"):
            return tuple(value.shape) if name == "shape" else getattr(value, name)
        if name in ("dtype", "device"):
            return str(getattr(value, name))
        if name in ("T", "mT"):
            return value.mT if value.dim() > 2 else value.t()
        known = sorted({*METHODS, *ATTRIBUTES, "grad"})
        hint = f" Call it: `{name}()`." if name in METHODS else ""
        raise (
            unknown("attribute of a tensor", name, known)
            if not hint
            else AskError(f"`{name}` is a method.{hint}")
        )
    if name in _NAMED and isinstance(value, tuple) and name in getattr(type(value), "__match_args__", ()):
        return getattr(value, name)
    raise AskError(f"A {type(value).__name__} has nothing called `{name}` that a question may see.")


def known_in(value: object) -> list[str]:
    """What may stand behind a value and a dot."""
    if isinstance(value, Tensor):
        grad = ["grad"] if value.requires_grad else []
        return [*grad, *ATTRIBUTES, *sorted({*METHODS, *FUNCTIONS})]
    if isinstance(value, (bool, int, float)):
        return sorted(NUMBERS)
    return sorted(SEQUENCES) if isinstance(value, (list, tuple)) and not _tensors(value) else []


def _tensors(values: Sequence[object]) -> bool:
    return any(isinstance(value, Tensor) for value in values)


def _refusal(name: str, subject: object) -> Exception:
    known = sorted({*METHODS, *FUNCTIONS, *NUMBERS, *SEQUENCES})
    if name in known:
        kind = type(subject).__name__.lower()
        return AskError(f"`{name}` of a {kind} is not possible; it takes a tensor, such as `conv1.out`.")
    return unknown("function that a question may call", name, known)
