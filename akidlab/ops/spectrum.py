"""The spectrum of a large symmetric matrix: how its eigenvalues are spread, from a few Lanczos runs.

Source: V. Papyan, The Full Spectrum of Deep Net Hessians At Scale, arXiv 1811.07062.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.errors import DataError
from akidlab.ops.lanczos import Asking, draw, drive, lanczos_tridiagonalization_fast_cr, size_of

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


def bumps(points: Tensor, values: Tensor, width: float) -> Float[Tensor, "points values"]:
    """The height at each point of a normal density around each value."""
    away = (points[:, None] - values[None, :]) / width
    return torch.exp(-away.square() / 2) / (width * math.sqrt(2 * math.pi))
