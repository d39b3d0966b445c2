"""Moments: the mean, variance and sum of a tensor, and how much of it is zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.metrics.numbers import real

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped


def mean(tensor: Shaped[Tensor, "..."]) -> Float[Tensor, ""]:
    """The mean of all elements: `Σ xᵢ / n`; NaN where there are none.

    Source: the definition, as `numpy.mean`.

    Example:
        >>> mean(torch.tensor([1.0, 2.0, 6.0]))
        tensor(3.)
    """
    return real(tensor).mean()


def variance(tensor: Shaped[Tensor, "..."]) -> Float[Tensor, ""]:
    """The unbiased variance of all elements: `Σ (xᵢ - x̄)² / (n - 1)`; NaN where there are less than two.

    Source: F. W. Bessel's correction, as `numpy.var(ddof=1)`.

    Example:
        >>> variance(torch.tensor([1.0, 2.0, 6.0]))
        tensor(7.)
    """
    values = real(tensor)
    return values.var() if values.numel() > 1 else values.new_tensor(float("nan"))


def sum(tensor: Shaped[Tensor, "..."]) -> Float[Tensor, ""]:
    """The sum of all elements: `Σ xᵢ`; 0 where there are none.

    Source: the definition, as `numpy.sum`.

    Example:
        >>> sum(torch.tensor([1.0, 2.0, 6.0]))
        tensor(9.)
    """
    return real(tensor).sum()


def sparsity(tensor: Shaped[Tensor, "..."], threshold: float = 0.0) -> Float[Tensor, ""]:
    """The share of elements that are zero: `|{i : |xᵢ| ≤ threshold}| / n`; NaN where there are none.

    Source: N. Hurley and S. Rickard, Comparing Measures of Sparsity, 2009: the measure `ℓ⁰_ε`, as a share.

    Args:
        tensor: what is looked at, activations for instance.
        threshold: how far from zero still counts as zero.

    Example:
        >>> sparsity(torch.tensor([0.0, 0.0, -1.0, 2.0]))
        tensor(0.5000)
    """
    values = real(tensor)
    near = values == 0 if threshold == 0 else values.abs() <= threshold
    return near.to(torch.float32).mean()
