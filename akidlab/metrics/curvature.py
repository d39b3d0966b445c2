"""Curvature: the largest eigenvalues of a loss's Hessian, which is never made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import Parameter

from akidlab.errors import DataError
from akidlab.metrics.numbers import real
from akidlab.ops.curvature import Batch, hessian_of
from akidlab.ops.lanczos import draw, drive, lanczos_tridiagonalization_slow_cr

if TYPE_CHECKING:
    from jaxtyping import Float


def hessian_eigenvalues(
    objective: Callable[[Any], Tensor],
    parameters: Iterable[Parameter],
    batches: Iterable[Batch],
    *,
    count: int = 1,
    tolerance: float = 1e-3,
    steps: int = 128,
    seed: int = 0,
) -> Float[Tensor, " count"]:
    """The largest eigenvalues of the Hessian of a mean loss: `H vᵢ = λᵢ vᵢ`, `λ₁ ≥ λ₂ ≥ ...`, `H = ∂²L/∂w²`.

    Lanczos' method with every vector made orthogonal to all before, so that none comes twice; begun over with
    twice the steps until the bound of the errors, `β |last number of the Ritz vector|`, is within the
    tolerance. Each step passes over all batches once; the parameters and their gradients stay as they are.

    Source: C. Lanczos, 1950; bounds as B. Parlett, The Symmetric Eigenvalue Problem; for networks as
    B. Ghorbani et al., An Investigation into Neural Net Optimization via Hessian Eigenvalue Density,
    arXiv 1901.10159.

    Args:
        objective: the loss of a batch, a mean over its samples.
        parameters: by which to differentiate; those that are not trained are left out.
        batches: each counts by its number of samples.
        count: how many eigenvalues.
        tolerance: what an error may be, as a share of the largest eigenvalue.
        steps: at most so many; as many vectors of the size of the parameters are kept.
        seed: fixes the first vector; the numbers of training are not touched.

    Returns:
        The eigenvalues, falling; fewer if there are fewer parameters.

    Raises:
        DataError: if there are no batches or parameters, or no eigenvalue is asked for.

    Example:
        >>> w = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
        >>> hessian_eigenvalues(lambda batch: (batch[0] * w**2).sum(), [w], [[torch.tensor([[1.0, 3.0]])]])
        tensor([6.0000])
    """
    chosen, held = [p for p in parameters if p.requires_grad], list(batches)
    if not held or not chosen or count < 1:
        raise DataError(
            "A Hessian needs batches and trained parameters, and 1 eigenvalue or more is asked for; "
            f"found {len(held)} batches, {len(chosen)} parameters and count={count!r}."
        )
    like, size = chosen[0].detach(), sum(p.numel() for p in chosen)
    of_batches = hessian_of(objective, chosen, held)
    start = draw(size, real(like), torch.Generator().manual_seed(seed))

    def product(v: Tensor) -> Tensor:  # of a net in half precision, too, the vectors are in single
        return of_batches(v.to(like)).to(v)

    made = min(max(2 * count + 10, 16), size)
    while True:
        values, bounds = _ritz(product, size, made, start)
        largest = min(count, len(values))
        if made >= min(steps, size) or bool((bounds[-largest:] <= tolerance * values.abs().amax()).all()):
            return values[-largest:].flip(0)
        made = min(2 * made, steps, size)


def _ritz(product: Callable[[Tensor], Tensor], size: int, made: int, start: Tensor) -> tuple[Tensor, Tensor]:
    looking = lanczos_tridiagonalization_slow_cr(size, made, start, return_beta_k=True)
    values, vectors, beta = drive(looking, product)
    return values, (beta * vectors[-1]).abs()
