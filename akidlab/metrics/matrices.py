"""Matrices: how far the weights of a layer stretch what they are given, at most and at least."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.metrics.numbers import matrix
from akidlab.ops.lanczos import draw

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped


def spectral_norm(weight: Shaped[Tensor, "..."]) -> Float[Tensor, ""]:
    """The largest singular value: `σ₁(W) = max ‖W v‖ / ‖v‖`, where a convolution has a row for each output.

    Source: G. Golub and C. Van Loan, Matrix Computations, 2.3; of convolutions as T. Miyato et al., Spectral
    Normalization for Generative Adversarial Networks, arXiv 1802.05957.

    Args:
        weight: a matrix, or the weights of a convolution; a vector counts as a matrix of one row.

    Example:
        >>> spectral_norm(torch.diag(torch.tensor([1.0, -3.0])))
        tensor(3.)
    """
    values = matrix(weight)
    return torch.linalg.svdvals(values).amax() if values.numel() else values.sum()


def condition_number(weight: Shaped[Tensor, "..."]) -> Float[Tensor, ""]:
    """How unevenly a matrix stretches: `κ(W) = σ₁(W) / σₙ(W)`, n the smaller side; infinite if singular.

    Source: G. Golub and C. Van Loan, Matrix Computations, 2.6, as `numpy.linalg.cond`.

    Args:
        weight: a matrix, or the weights of a convolution; a vector counts as a matrix of one row.

    Example:
        >>> condition_number(torch.diag(torch.tensor([1.0, -3.0])))
        tensor(3.)
    """
    values = matrix(weight)
    if not values.numel():
        return values.new_tensor(float("nan"))
    found = torch.linalg.svdvals(values)
    return torch.where(found[-1] > 0, found[0] / found[-1], torch.full_like(found[0], float("inf")))


def power_iteration(
    weight: Shaped[Tensor, "..."], v: Float[Tensor, " inputs"] | None = None, steps: int = 3
) -> tuple[Float[Tensor, ""], Float[Tensor, " inputs"]]:
    """`spectral_norm` from below, for little: `v ← WᵀWv / ‖WᵀWv‖`, then `‖W v‖`, which never exceeds it.

    Weights change little from step to step: begun where it ended at the step before, a few steps suffice.

    Source: R. von Mises and H. Pollaczek-Geiringer, 1929; begun anew as T. Miyato et al., arXiv 1802.05957.

    Args:
        weight: as for `spectral_norm`.
        v: where to begin, as it was returned before; by default a random vector, always the same.
        steps: how many multiplications by `WᵀW`.

    Returns:
        The estimate, and `v` to begin with next time.

    Example:
        >>> sigma, v = power_iteration(torch.diag(torch.tensor([1.0, -3.0])), steps=10)
        >>> sigma
        tensor(3.)
    """
    values = matrix(weight)
    tiny = torch.finfo(values.dtype).tiny
    x = v.to(values) if v is not None and v.shape == values.shape[1:] else _start(values)
    x = x / torch.linalg.vector_norm(x).clamp_min(tiny)
    for _ in range(steps):
        u = values @ x
        u = u / torch.linalg.vector_norm(u).clamp_min(tiny)  # the square of a large norm overflows
        w = values.mT @ u
        length = torch.linalg.vector_norm(w)
        x = torch.where(length > tiny, w / length.clamp_min(tiny), x)  # weights of zero leave it as it is
    return torch.linalg.vector_norm(values @ x), x


def _start(values: Tensor) -> Tensor:
    return draw(values.shape[1], values, torch.Generator().manual_seed(0))  # training's own numbers stay
