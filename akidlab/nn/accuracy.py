"""How well answers fit the truth: accuracy, area under the ROC curve, average precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped


def binary_accuracy(
    answer: Float[Tensor, "..."], label: Shaped[Tensor, "..."], hinge_loss_label: bool = False
) -> Float[Tensor, ""]:
    """The share of answers on the right side: above 0.5 for labels 0 and 1, above 0 for labels -1 and 1.

    Args:
        answer: probabilities, or scores where `hinge_loss_label`.
        label: 0 and 1, or -1 and 1 where `hinge_loss_label`.
        hinge_loss_label: which of the two.

    Example:
        >>> binary_accuracy(torch.tensor([0.9, 0.2, 0.7]), torch.tensor([1, 0, 0]))
        tensor(0.6667)
    """
    said = answer > (0 if hinge_loss_label else 0.5)
    return (said == (label > (0 if hinge_loss_label else 0.5))).float().mean()


def roc_auc(score: Float[Tensor, " samples"], label: Shaped[Tensor, " samples"]) -> float | None:
    """The area under the ROC curve: how often a positive sample scores above a negative one, ties half.

    Source: Mann and Whitney's U, by ranks: AUC = (R - p(p+1)/2) / (p · n).

    Returns:
        None where all labels are alike: it is not defined then.

    Example:
        >>> roc_auc(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1]))
        0.75
    """
    positive = label > 0
    p, n = int(positive.sum()), int((~positive).sum())
    if not p or not n:
        return None
    _, inverse, counts = torch.unique(score.double(), return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    ranks = (last - (counts - 1) / 2)[inverse]  # tied samples share the mean of their ranks
    return float((ranks[positive].sum() - p * (p + 1) / 2) / (p * n))


def average_precision(score: Float[Tensor, " samples"], label: Shaped[Tensor, " samples"]) -> float | None:
    """The precision at each threshold, weighted by what it adds to the recall.

    Source: AP = Σ (R_k - R_{k-1}) P_k over the distinct thresholds, as scikit-learn computes it.

    Returns:
        None where no label is positive: it is not defined then.

    Example:
        >>> round(average_precision(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1])), 4)
        0.8333
    """
    positive = (label > 0).double()
    if not positive.any():
        return None
    order = torch.argsort(score, descending=True, stable=True)
    ranked, hits = score[order], positive[order].cumsum(0)
    ends = torch.ones(len(ranked), dtype=torch.bool, device=ranked.device)
    ends[:-1] = ranked[1:] != ranked[:-1]
    hits, counts = hits[ends], torch.arange(1, len(ranked) + 1, device=ranked.device)[ends]
    gained = torch.diff(hits, prepend=hits.new_zeros(1))
    return float((gained * hits / counts).sum() / positive.sum())
