"""Norms: how large a tensor is, and how large one is beside another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.metrics.numbers import real

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped


def norm(tensor: Shaped[Tensor, "..."], order: float = 2) -> Float[Tensor, ""]:
    """The p-norm of all elements in a row: `(Σ |xᵢ|ᵖ)^(1/p)`, `max |xᵢ|` where p is infinite.

    It is 0 where there are no elements.

    Source: the definition, as `numpy.linalg.norm(x.ravel(), ord)`.

    Args:
        tensor: what is measured; a matrix counts as its elements in a row (the Frobenius norm, of order 2).
        order: p. 1 for the sum of sizes, `inf` for the largest, 0 for how many are not zero.

    Example:
        >>> norm(torch.tensor([[3.0], [-4.0]])), norm(torch.tensor([3.0, -4.0]), order=float("inf"))
        (tensor(5.), tensor(4.))
    """
    values = real(tensor).reshape(-1)
    return torch.linalg.vector_norm(values, order) if values.numel() else values.sum()


def ratio(a: Shaped[Tensor, "..."], b: Shaped[Tensor, "..."], order: float = 2) -> Float[Tensor, ""]:
    """How large `a` is beside `b`: `‖a‖ₚ / ‖b‖ₚ`; NaN where `b` is all zeros, for then it is not defined.

    Of updates to weights, about 0.001 is healthy.

    Source: Ikkuna's `RatioSubscriber`; the rule of thumb: A. Karpathy, CS231n, Ratio of weights:updates.

    Args:
        a: what is measured.
        b: what it is measured by.
        order: p of both norms.

    Example:
        >>> ratio(torch.tensor([0.003, 0.004]), torch.tensor([3.0, 4.0]))
        tensor(0.0010)
    """
    of, to = norm(a, order), norm(b, order)
    return torch.where(to > 0, of / to, torch.full_like(of, float("nan")))
