"""The unit range: a symmetric matrix shifted and scaled so that its eigenvalues lie in [-1, 1].

Source: V. Papyan, The Full Spectrum of Deep Net Hessians At Scale, arXiv 1811.07062.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.ops.lanczos import Asking, draw, drive, lanczos_tridiagonalization_fast_cr, size_of

if TYPE_CHECKING:
    from jaxtyping import Float


def center_unit_eig_normalization(
    H: Float[Tensor, "n n"], M: int, kappa: float
) -> tuple[Tensor, float, float]:
    """Shift and scale `H` so that its eigenvalues lie in [-1, 1].

    Args:
        H: a symmetric matrix.
        M: Lanczos steps to find its outer eigenvalues by.
        kappa: what to leave free at both ends, as a share of the range.

    Returns:
        `(H - c) / d`, the centre `c` and the half-width `d`.

    Raises:
        DataError: if the numbers make no sense.

    Example:
        >>> Hn, c, d = center_unit_eig_normalization(torch.diag(torch.tensor([2.0, 6.0])), 2, 0.0)
        >>> Hn.diagonal().round(decimals=3), round(c, 3), round(d, 3)
        (tensor([-1.,  1.]), 4.0, 2.0)
    """
    asking = center_unit_eig_normalization_cr(size_of(H), M, kappa, like=H)
    c, d = drive(asking, lambda v: H @ v)
    return (H - c * torch.eye(len(H)).to(H)) / d, c, d


def center_unit_eig_normalization_cr(
    N: int,
    iter_num: int,
    kappa: float,
    *,
    like: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Asking[tuple[float, float]]:
    """The centre and the half-width of the spectrum, as a coroutine.

    Each outer eigenvalue is widened by the bound of its error, `beta * |last number of its vector|`.

    Args:
        N: how many rows the matrix has.
        iter_num: Lanczos steps.
        kappa: what to leave free at both ends, as a share of the range.
        like: a tensor whose type and device the vectors have.
        generator: what the first vector is drawn from, on the CPU.

    Raises:
        DataError: if the numbers make no sense.
    """
    start = draw(N, torch.empty(0) if like is None else like, generator)
    found = yield from lanczos_tridiagonalization_fast_cr(N, min(iter_num, N), start, return_beta_k=True)
    low, high = outer(*found)
    margin = kappa * (high - low)
    centre, width = (low + high) / 2, (high - low) / 2 + margin
    return centre, width or 1.0  # a multiple of the identity has no width


def center_unit_eig_denormalization(H: Tensor, c: float, d: float) -> Tensor:
    """The matrix again that `center_unit_eig_normalization` shifted and scaled.

    Args:
        H: the matrix with eigenvalues in [-1, 1].
        c: the centre.
        d: the half-width.
    """
    return H * d + c * torch.eye(len(H)).to(H)


def outer(values: Tensor, vectors: Tensor, beta: Tensor) -> tuple[float, float]:
    """Bounds of the spectrum: the outer Ritz values, widened by the bounds of their errors."""
    errors = (beta * vectors[-1]).abs()
    return float(values[0] - errors[0]), float(values[-1] + errors[-1])
