"""The spectrum of a large symmetric matrix: how its eigenvalues are spread, from a few Lanczos runs.

Source: V. Papyan, The Full Spectrum of Deep Net Hessians At Scale, arXiv 1811.07062.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.errors import DataError
from akidlab.ops.lanczos import Asking, drive, lanczos_tridiagonalization_fast_cr, size_of

if TYPE_CHECKING:
    from jaxtyping import Float

OVERLAP = 1.25  # kappa of the paper: how far the bumps of neighbouring eigenvalues overlap


def lanczos_spectrum_approx(
    H: Float[Tensor, "n n"], iter_num: int, K: int, n_vec: int
) -> Float[Tensor, " points"]:
    """How densely the eigenvalues of `H` lie along [-1, 1]; its integral is 1.

    Bring the eigenvalues there first, by `center_unit_eig_normalization`.

    Args:
        H: a symmetric matrix with eigenvalues in [-1, 1].
        iter_num: Lanczos steps of a run: the more, the sharper.
        K: at how many points from -1 to 1.
        n_vec: runs, each from a random vector, that are averaged.

    Returns:
        The density at the points `torch.linspace(-1, 1, K)`.

    Raises:
        DataError: if the numbers make no sense.

    Example:
        >>> H = torch.diag(torch.cat([torch.full((75,), -0.5), torch.full((25,), 0.5)]))
        >>> density = lanczos_spectrum_approx(H, iter_num=30, K=201, n_vec=4)
        >>> points = torch.linspace(-1, 1, 201)
        >>> points[density.argmax()]
        tensor(-0.5000)
        >>> round(float(torch.trapezoid(density, points)), 2)
        1.0
    """
    asking = lanczos_spectrum_approx_cr(size_of(H), iter_num, K, n_vec, like=H)
    return drive(asking, lambda v: H @ v)


def lanczos_spectrum_approx_cr(
    N: int,
    iter_num: int,
    K: int,
    n_vec: int,
    *,
    like: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Asking[Tensor]:
    """`lanczos_spectrum_approx` as a coroutine: it yields a vector and wants the product sent.

    Args:
        N: how many rows the matrix has.
        iter_num: Lanczos steps of a run.
        K: at how many points from -1 to 1.
        n_vec: runs that are averaged.
        like: a tensor whose type and device the vectors have; by default torch's defaults.
        generator: what the vectors are drawn from, on the CPU; by default torch's global one.

    Raises:
        DataError: if the numbers make no sense.
    """
    if n_vec < 1 or K < 2 or iter_num < 2:
        raise DataError(
            f"`n_vec` is 1 or more, `K` and `iter_num` are 2 or more; found {n_vec}, {K} and {iter_num}."
        )
    like = torch.empty(0) if like is None else like
    width = 2 / ((iter_num - 1) * math.sqrt(8 * math.log(OVERLAP)))
    points = torch.linspace(-1, 1, K, dtype=like.dtype, device=like.device)
    density = torch.zeros_like(points)
    for _ in range(n_vec):
        start = draw(N, like, generator)
        values, vectors = yield from lanczos_tridiagonalization_fast_cr(N, min(iter_num, N), start)
        density += bumps(points, values, width) @ vectors[0].square()
    return density / n_vec


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


def draw(n: int, like: Tensor, generator: torch.Generator | None) -> Tensor:
    """A random vector, the same on every device."""
    return torch.randn(n, generator=generator, dtype=like.dtype).to(like.device)


def bumps(points: Tensor, values: Tensor, width: float) -> Float[Tensor, "points values"]:
    """The height at each point of a normal density around each value."""
    away = (points[:, None] - values[None, :]) / width
    return torch.exp(-away.square() / 2) / (width * math.sqrt(2 * math.pi))
