"""Noise: how much the gradients of single batches disagree, and so which batch size is worth it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.errors import DataError
from akidlab.metrics.numbers import real

if TYPE_CHECKING:
    from jaxtyping import Float


def gradient_noise_scale(gradients: Float[Tensor, "batches ..."], batch_size: int) -> Float[Tensor, ""]:
    """The batch size at which noise and signal of a gradient are alike: `B = tr(Σ) / |G|²`, in samples.

    Batches much smaller waste steps, much larger ones waste samples. With the gradients `g₁ ... gₙ` of n
    batches of b samples, mean `ḡ`: `tr(Σ) ≈ b · Σ|gᵢ - ḡ|² / (n - 1)` and `|G|² ≈ |ḡ|² - tr(Σ) / (b n)`, both
    without bias.

    Source: S. McCandlish et al., An Empirical Model of Large-Batch Training, arXiv 1812.06162, appendix A.1,
    with `B_small = b` and `B_big = n b`.

    Args:
        gradients: a row for each batch, drawn independently, at the same weights.
        batch_size: the samples of each batch.

    Returns:
        The noise scale; NaN where the noise hides the signal, so that `|G|²` does not come out positive.

    Raises:
        DataError: if there are less than two batches, or they have no samples.

    Example:
        >>> gradient_noise_scale(torch.tensor([[1.0, 1.0], [1.0, 3.0]]), batch_size=8)
        tensor(4.)
    """
    values = real(gradients).flatten(1)
    mean = values.mean(dim=0)
    return noise_scale((values * values).sum() / len(values), (mean * mean).sum(), len(values), batch_size)


def noise_scale(
    small: Float[Tensor, ""], big: Float[Tensor, ""], batches: int, batch_size: float
) -> Float[Tensor, ""]:
    """`gradient_noise_scale` from two squared norms alone.

    Args:
        small: the mean of `|gᵢ|²` over the batches.
        big: `|ḡ|²`, of the mean of their gradients.
        batches: how many there are.
        batch_size: the samples of each.

    Raises:
        DataError: if there are less than two batches, or they have no samples.
    """
    if batches < 2 or batch_size < 1:
        raise DataError(
            f"A noise scale needs 2 batches of a sample or more, found {batches} of {batch_size}: "
            "how batches disagree cannot be seen from one."
        )
    spread = (small - big) * batches / (batches - 1)  # tr(Σ) / b
    signal = big - spread / batches
    return torch.where(signal > 0, batch_size * spread / signal, torch.full_like(signal, float("nan")))
