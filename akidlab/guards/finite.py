"""Finite or not: one operation over many gradients, cheap enough for every step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import cycle

import torch
from torch import Tensor

EVERY = 64  # at each step the small ones are looked at, every so many steps all of them
SMALL = 4096
CHECK: Callable[[list[Tensor], Tensor, Tensor], None] = torch._amp_foreach_non_finite_check_and_unscale_  # type: ignore[attr-defined]


def small(parameters: Sequence[Tensor]) -> list[Tensor]:
    """The vectors, and what is hardly larger; the smallest one where there is none.

    What is not finite on the way back reaches every block before, so that one of these shows it.
    """
    found = [p for p in parameters if p.dim() < 2 or p.numel() < SMALL]
    return found or sorted(parameters, key=Tensor.numel)[:1]


def is_finite(tensor: Tensor) -> bool:
    """True if no element is NaN or infinite; what has no such numbers is.

    Example:
        >>> is_finite(torch.tensor([1.0, float("inf")])), is_finite(torch.tensor([1, 2]))
        (False, True)
    """
    tensor = tensor.detach()
    if tensor.is_sparse:
        tensor = tensor._values() if tensor.layout is torch.sparse_coo else tensor.to_dense()
    if not tensor.is_floating_point() and not tensor.is_complex():
        return True
    return bool(torch.isfinite(tensor).all())


def all_finite(tensors: Iterable[Tensor | None]) -> bool:
    """True if no element of any of them is NaN or infinite."""
    return all(tensor is None or is_finite(tensor) for tensor in tensors)


def mark(tensors: list[Tensor], flag: Tensor, one: Tensor) -> None:
    """Set `flag` to 1, on its device, if an element of any is NaN or infinite; the tensors stay as they are.

    It is what torch's GradScaler does with a scale of 1: one kernel over many tensors.
    """
    CHECK(tensors, flag, one)


def gradient_check(parameters: Sequence[Tensor], every: int = EVERY) -> Callable[[], bool]:
    """A function that tells whether the gradients on the CPU are finite: a few microseconds for a small net.

    Args:
        parameters: whose `.grad` it looks at.
        every: at every so many calls it looks at all, else at the small ones.
    """
    few, turns = small(parameters), cycle([*[False] * (every - 1), True])
    flag, one = torch.zeros(1), torch.ones(())

    def finite() -> bool:
        if next(turns):
            few[:] = small(parameters)
            return look(parameters)
        try:
            CHECK([p.grad for p in few], flag, one)  # type: ignore[misc]
        except (TypeError, RuntimeError):
            few[:] = [p for p in few if p.grad is not None]  # until all are looked at again
            return look(parameters)
        return not flag.item() or raised()

    def look(some: Sequence[Tensor]) -> bool:
        try:
            CHECK([grad for p in some if (grad := p.grad) is not None], flag, one)
        except (RuntimeError, NotImplementedError):  # sparse ones, or of a kind that torch cannot scale
            return all_finite(p.grad for p in some)
        return not flag.item() or raised()

    def raised() -> bool:
        flag.zero_()
        return False

    return finite
