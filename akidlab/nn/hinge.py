"""Hinge losses: nothing to pay once a score lies far enough on the right side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped


def hinge_loss(
    score: Float[Tensor, "..."], label: Shaped[Tensor, "..."], weights: Float[Tensor, "..."] | None = None
) -> Float[Tensor, ""]:
    """The mean of max(0, 1 - label · score), weighted if you like.

    Args:
        score: what the brain says.
        label: 1 or -1.
        weights: what each term is multiplied by before the mean.

    Example:
        >>> hinge_loss(torch.tensor([2.0, 0.5]), torch.tensor([1, -1]))
        tensor(0.7500)
    """
    return _weighted((1 - label * score).clamp_min(0), weights).mean()


def tripod_hinge_loss(
    score: Float[Tensor, "..."],
    label: Shaped[Tensor, "..."],
    weights: Float[Tensor, "..."] | None = None,
    signal_balancing: bool = False,
) -> Float[Tensor, ""]:
    """The hinge loss where the label is 1 or -1, and |score| where it is 0: neither side is meant.

    Args:
        score: what the brain says.
        label: 1, -1 or 0.
        weights: what each term is multiplied by before the mean.
        signal_balancing: the mean of the means of both kinds, so that the many zeros do not drown the rest.

    Example:
        >>> tripod_hinge_loss(torch.tensor([0.5, 0.5, 0.5]), torch.tensor([1, 0, 0]), signal_balancing=True)
        tensor(0.5000)
    """
    unsigned = label == 0
    terms = _weighted(torch.where(unsigned, score.abs(), (1 - label * score).clamp_min(0)), weights)
    if not signal_balancing:
        return terms.mean()
    counts = torch.stack([unsigned.sum(), (~unsigned).sum()])  # on the device: nobody waits for numbers
    sums = torch.stack([(terms * unsigned).sum(), (terms * ~unsigned).sum()])
    return (sums / counts.clamp_min(1)).sum() / (counts > 0).sum()


def hinge_ranking_loss(
    higher: Float[Tensor, "..."],
    lower: Float[Tensor, "..."],
    margin: float = 1.0,
    hard_sample_mining: bool = False,
) -> Float[Tensor, ""]:
    """The mean of max(0, margin - (higher - lower)): what should score higher must do so by a margin.

    Args:
        higher: scores of what should be ranked above.
        lower: scores of what should be ranked below; shapes may broadcast.
        margin: by how much.
        hard_sample_mining: take the mean over the pairs that violate the margin alone; 0 if none does.

    Example:
        >>> hinge_ranking_loss(torch.tensor([2.0, 1.0]), torch.tensor([0.0, 0.5]), hard_sample_mining=True)
        tensor(0.5000)
    """
    terms = (margin - (higher - lower)).clamp_min(0)
    if not hard_sample_mining:
        return terms.mean()
    return terms.sum() / (terms > 0).sum().clamp_min(1)


def _weighted(terms: Tensor, weights: Tensor | None) -> Tensor:
    return terms if weights is None else weights * terms
