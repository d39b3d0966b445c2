"""The curvature of a loss: the spectrum of its Hessian, which is never made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter

from akidlab.errors import BlockError, DataError
from akidlab.ops.lanczos import drive
from akidlab.ops.spectrum import lanczos_spectrum_approx_cr
from akidlab.ops.unit_range import center_unit_eig_normalization_cr

if TYPE_CHECKING:
    from jaxtyping import Float

    from akidlab.blocks import Brain

Batch = Sequence[Tensor]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """How the eigenvalues of a Hessian are spread.

    Args:
        points: eigenvalues, rising.
        density: how densely eigenvalues lie at each point; its integral is 1.
        low: no eigenvalue lies below, to the accuracy of the Lanczos run.
        high: no eigenvalue lies above.
        size: how many eigenvalues there are: the parameters of the brain.
    """

    points: Float[Tensor, " points"]
    density: Float[Tensor, " points"]
    low: float
    high: float
    size: int

    def __repr__(self) -> str:
        return f"Spectrum({self.size:,} eigenvalues from {self.low:.3g} to {self.high:.3g})"


def hessian_spectrum(
    brain: Brain,
    batches: Iterable[Batch],
    *,
    iter_num: int = 64,
    K: int = 1024,
    n_vec: int = 1,
    kappa: float = 0.05,
    seed: int = 0,
    parameters: Iterable[Parameter] | None = None,
) -> Spectrum:
    """How the eigenvalues of the Hessian of a brain's loss are spread, over all of `batches`.

    The brain is looked at as in validation: nothing is dropped, running statistics stay, and weights and
    gradients are left alone. Each of the `(1 + n_vec) * iter_num` steps passes over all batches once.

    Source: V. Papyan, The Full Spectrum of Deep Net Hessians At Scale, arXiv 1811.07062.

    Args:
        brain: a brain with a loss, set up.
        batches: what it is called with, again and again: a list of `[images, labels]`, for instance.
        iter_num: Lanczos steps of a run: the more, the sharper.
        K: at how many points to tell the density.
        n_vec: runs, each from a random vector, that are averaged.
        kappa: what to leave free at both ends, as a share of the range.
        seed: fixes the random vectors.
        parameters: by which to differentiate; by default all that are trained.

    Raises:
        BlockError: if the brain has nothing to differentiate by.
        DataError: if there are no batches.

    Example:
        >>> from akidlab import Brain, InnerProductLayer, SoftmaxWithLossLayer
        >>> brain = Brain(name="small").attach(
        ...     InnerProductLayer(out_channel_num=2, name="ip"),
        ...     SoftmaxWithLossLayer(inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}]),
        ... )
        >>> batch = [torch.eye(4), torch.tensor([0, 1, 0, 1])]
        >>> _ = brain.setup(batch, seed=0)
        >>> hessian_spectrum(brain, [batch], iter_num=8).size
        10
    """
    held = list(batches)
    chosen = [p for p in (brain.parameters() if parameters is None else parameters) if p.requires_grad]
    if not held:
        raise DataError("There are no batches to compute the Hessian on. Give some, as a list.")
    if not chosen:
        raise BlockError(f"`{brain.name}` has no parameters to differentiate by. Set it up first.")
    size, generator = sum(p.numel() for p in chosen), torch.Generator().manual_seed(seed)
    like = chosen[0].detach()
    with undisturbed(brain):
        of_batches = hessian_of(brain.objective, chosen, held)

        def product(v: Tensor) -> Tensor:
            brain.eval()  # feedbacks start anew, so that every product is of the same matrix
            return of_batches(v)

        look = center_unit_eig_normalization_cr(size, iter_num, kappa, like=like, generator=generator)
        c, d = drive(look, product)
        runs = lanczos_spectrum_approx_cr(size, iter_num, K, n_vec, like=like, generator=generator)
        density = drive(runs, lambda v: (product(v) - c * v) / d)
    points = torch.linspace(-1, 1, K, dtype=like.dtype, device=like.device) * d + c
    width = d / (1 + 2 * kappa)
    return Spectrum(points, density / d, c - width, c + width, size)


def hessian_of(
    objective: Callable[[Any], Tensor], parameters: Sequence[Parameter], batches: Sequence[Batch]
) -> Callable[[Tensor], Tensor]:
    """What the Hessian of the mean loss over `batches` makes of a vector, batch after batch.

    Args:
        objective: the loss of a batch, a mean over its samples.
        parameters: by which to differentiate.
        batches: each counts by its number of samples.
    """
    total = sum(len(batch[0]) for batch in batches)

    def product(v: Tensor) -> Tensor:
        found = torch.zeros_like(v)
        for batch in batches:
            nabla = torch.autograd.grad(
                objective(batch), parameters, create_graph=True, allow_unused=True, materialize_grads=True
            )
            slope = torch.cat([part.reshape(-1) for part in nabla])
            if slope.requires_grad:
                twice = torch.autograd.grad(slope, parameters, v, allow_unused=True, materialize_grads=True)
                found += torch.cat([p.reshape(-1) for p in twice]) * (len(batch[0]) / total)
        return found

    return product


@contextmanager
def undisturbed(module: Module) -> Iterator[None]:
    """Look at a module as in validation, with gradients; afterwards its parts are in the mode of before."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.enable_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode
