"""Similarity: whether two layers, or one layer at two times, represent the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.errors import DataError
from akidlab.metrics.numbers import samples

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped

    Activations = Shaped[Tensor, "batch ..."]


def cka(x: Activations, y: Activations) -> Float[Tensor, ""]:
    """Linear centred kernel alignment: `‖YᵀX‖²_F / (‖XᵀX‖_F ‖YᵀY‖_F)` of centred columns, from 0 to 1.

    It is the same for whatever rotation or scale of either.

    Source: S. Kornblith et al., Similarity of Neural Network Representations Revisited, arXiv 1905.00414,
    section 3; where there are more units than samples by the equal `tr(KL) / √(tr(KK) tr(LL))`, `K = XXᵀ`.

    Args:
        x: the activations of a layer; the units are in the second dimension, the last where there are three,
            and positions count as samples.
        y: those of another one, for the same samples.

    Returns:
        The similarity; NaN where one of them is constant.

    Raises:
        DataError: if they are not of the same samples, or of less than two.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0]])
        >>> cka(x, 5 * x.flip(1))
        tensor(1.)
    """
    a, b = _pair(x, y)
    if len(a) < max(a.shape[1], b.shape[1]):
        a, b = a @ a.mT, b @ b.mT
        found = (a * b).sum() / (torch.linalg.matrix_norm(a) * torch.linalg.matrix_norm(b))
    else:
        across = torch.linalg.matrix_norm(b.mT @ a) ** 2
        found = across / (torch.linalg.matrix_norm(a.mT @ a) * torch.linalg.matrix_norm(b.mT @ b))
    return found.to(torch.float32)


def svcca(x: Activations, y: Activations, threshold: float = 0.99) -> Float[Tensor, ""]:
    """Singular vector canonical correlation: the mean of `cca` of the main directions of each, from 0 to 1.

    Of each, as many singular directions are kept as explain `threshold` of its variance `Σ σᵢ²`. With fewer
    samples than directions everything correlates: take ten times as many.

    Source: M. Raghu et al., SVCCA, arXiv 1706.05806, section 2.

    Args:
        x: the activations of a layer, as for `cka`.
        y: those of another one, for the same samples.
        threshold: which share of the variance is kept.

    Returns:
        The similarity; NaN where one of them is constant.

    Raises:
        DataError: if they are not of the same samples, or of less than two, or the threshold is no share.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0], [2.0, 2.0]])
        >>> svcca(x, x @ torch.tensor([[1.0, 2.0], [3.0, 4.0]]), threshold=1.0)
        tensor(1.)
    """
    if not 0 < threshold <= 1:
        raise DataError(f"`threshold` is a share of the variance, above 0 up to 1, found {threshold!r}.")
    a, b = (_directions(part, threshold) for part in _pair(x, y))
    return _correlations(a, b).mean().to(torch.float32)


def cca(x: Activations, y: Activations) -> Float[Tensor, " directions"]:
    """Canonical correlations: how well the best pairs of directions in `x` and `y` agree, from 1 down to 0.

    Source: H. Hotelling, Relations Between Two Sets of Variates, 1936; by `svd(Qₓᵀ Q_y)` as Å. Björck and
    G. Golub, Numerical Methods for Computing Angles Between Linear Subspaces, 1973.

    Args:
        x: the activations of a layer, as for `cka`.
        y: those of another one, for the same samples.

    Raises:
        DataError: if they are not of the same samples, or of less than two.

    Example:
        >>> cca(torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([[-2.0], [-4.0], [-8.0]]))
        tensor([1.])
    """
    a, b = (_directions(part, 1.0) for part in _pair(x, y))
    return _correlations(a, b).to(torch.float32)


def _pair(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    a, b = samples(x), samples(y)
    if len(a) != len(b) or len(a) < 2:
        raise DataError(
            f"Both are to be of the same 2 samples or more, found {len(a)} and {len(b)} samples and "
            "positions. Take the mean over positions first where layers differ in them."
        )
    return _centred(a), _centred(b)


def _centred(values: Tensor) -> Tensor:
    """Columns of mean 0, whose largest element is 1: squares neither overflow nor vanish."""
    exact = values.to(torch.float64 if values.device.type != "mps" else torch.float32)
    centred = exact - exact.mean(dim=0)
    size, scale = exact.abs().amax(), centred.abs().amax()
    if scale <= 4 * torch.finfo(values.dtype).eps * size:  # constant, but for its rounding
        return torch.zeros_like(centred)
    return centred / scale


def _directions(centred: Tensor, threshold: float) -> Tensor:
    """An orthonormal basis of the main directions, a column for each."""
    basis, triangle = torch.linalg.qr(centred)  # the SVD of the small triangle is that of the whole
    inner, sizes, _ = torch.linalg.svd(triangle, full_matrices=False)
    noise = sizes.amax() * centred.shape[1] * torch.finfo(torch.float32).eps  # activations are no finer
    rank = int((sizes > noise).sum())
    explained = (sizes**2).cumsum(0) / (sizes**2).sum()
    kept = rank if threshold == 1 else min(rank, int((explained < threshold).sum()) + 1)
    return basis @ inner[:, :kept]


def _correlations(a: Tensor, b: Tensor) -> Tensor:
    """The cosines of the angles between two subspaces."""
    return torch.linalg.svdvals(a.mT @ b).clamp(0, 1) if a.shape[1] and b.shape[1] else a.new_empty(0)
