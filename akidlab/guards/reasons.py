"""Reasons: operations within a block that were given what they cannot bear."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

LIMIT = 4096  # operations of a block that are looked at


def reason(outputs: Iterable[Tensor], inputs: Iterable[Tensor], *, backward: bool = False) -> str | None:
    """Why these outputs, or the gradients on their way to the inputs, are not finite; None if it is not told.

    Torch keeps what an operation needs on the way back: that is looked at.

    Args:
        outputs: of a block.
        inputs: of the same call: there the search ends.
        backward: True if the outputs are finite and the gradients are not.

    Example:
        >>> x = torch.tensor([1.0, 0.0], requires_grad=True)
        >>> print(reason([x.log()], [x]))
        It takes the logarithm of 1 value that is 0 (of 2; the smallest is 0). Keep it above: ...
    """
    for node in _nodes(outputs, inputs):
        known = KNOWN.get(type(node).__name__)
        if known is not None and (told := _ask(known, node, backward)):
            return told
    return None


def _nodes(outputs: Iterable[Tensor], inputs: Iterable[Tensor]) -> Iterator[Any]:
    """The operations nearest to the inputs first: what goes wrong there spoils all that follows."""
    seen = {id(t.grad_fn) for t in inputs if t.grad_fn is not None}
    found, waiting = [], [t.grad_fn for t in outputs if t.grad_fn is not None]
    while waiting and len(found) < LIMIT:
        node = waiting.pop(0)
        if id(node) not in seen:
            seen.add(id(node))
            found.append(node)
            waiting += [before for before, _ in node.next_functions if before is not None]
    return reversed(found)


def _ask(known: Callable[[Any, bool], str | None], node: Any, backward: bool) -> str | None:
    try:
        return known(node, backward)
    except (RuntimeError, AttributeError, TypeError):  # its tensors are gone, or it kept others
        return None


def _log(node: Any, backward: bool, least: float = 0.0) -> str | None:
    given = node._saved_self.detach()
    bad = given <= least
    if not bad.any():
        return None
    what = f"{least:g}" if bool((given[bad] == least).all()) else f"{least:g} or less"
    return (
        f"It takes the logarithm of {_many(bad)} that {_is(bad)} {what} (of {given.numel():,}; the smallest "
        f"is {float(given.min()):.4g}). Keep it above: `x.clamp_min(1e-8).log()`, or use a loss that takes "
        "the logits themselves, such as `log_softmax` or `BCEWithLogitsLoss`."
    )


def _log1p(node: Any, backward: bool) -> str | None:
    return _log(node, backward, -1.0)


def _division(node: Any, backward: bool) -> str | None:
    divisor = node._saved_other.detach()
    bad = divisor == 0
    if not bad.any():
        return None
    return (
        f"It divides by {_many(bad)} that {_is(bad)} 0 (of {divisor.numel():,}). Keep the divisor away from "
        "0: `x / (y + 1e-8)`."
    )


def _sqrt(node: Any, backward: bool) -> str | None:
    root = node._saved_result.detach()
    if torch.isnan(root).any():
        bad = torch.isnan(root)
        return f"It takes the square root of {_many(bad)} below 0. Keep it above: `x.clamp_min(0).sqrt()`."
    if not backward or not (root == 0).any():
        return None
    return (
        f"It takes the square root of {_many(root == 0)} that {_is(root == 0)} 0, where its slope is "
        "infinite. Keep it above: `(x + 1e-8).sqrt()`."
    )


def _inverse(node: Any, backward: bool) -> str | None:
    bad = torch.isinf(node._saved_result.detach())
    if not bad.any():
        return None
    return f"It divides by {_many(bad)} that {_is(bad)} 0. Add a little to what is divided by: `y + 1e-8`."


def _power(node: Any, backward: bool) -> str | None:
    exponent, base = float(node._saved_exponent), node._saved_self.detach()
    if exponent < 0 or (backward and exponent < 1):
        bad = base == 0
        if bad.any():
            return (
                f"It raises {_many(bad)} that {_is(bad)} 0 to the power {exponent:g}"
                + (", where its slope is infinite. " if exponent > 0 else ". ")
                + "Keep it above: `(x + 1e-8) ** power`."
            )
    if exponent != int(exponent) and (base < 0).any():
        bad = base < 0
        return f"It raises {_many(bad)} below 0 to the power {exponent:g}. Keep it above: `x.clamp_min(0)`."
    return None


def _exponential(node: Any, backward: bool) -> str | None:
    bad = torch.isinf(node._saved_result.detach())
    if not bad.any():
        return None
    return (
        f"The exponential of {_many(bad)} is too large for a float (e^88 is the largest). Subtract the "
        "largest value first, as `softmax` and `logsumexp` do, or clamp: `x.clamp_max(80).exp()`."
    )


def _many(bad: Tensor) -> str:
    count = int(bad.sum())
    return f"{count:,} value" + ("" if count == 1 else "s")


def _is(bad: Tensor) -> str:
    return "is" if int(bad.sum()) == 1 else "are"


KNOWN: dict[str, Callable[[Any, bool], str | None]] = {
    "LogBackward0": _log,
    "Log2Backward0": _log,
    "Log10Backward0": _log,
    "Log1PBackward0": _log1p,
    "DivBackward0": _division,
    "SqrtBackward0": _sqrt,
    "RsqrtBackward0": _inverse,
    "ReciprocalBackward0": _inverse,
    "PowBackward0": _power,
    "ExpBackward0": _exponential,
}
