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


def roc_auc(
    score: Float[Tensor, "samples ..."], label: Shaped[Tensor, "samples ..."]
) -> Float[Tensor, "..."]:
    """The area under the ROC curve: how often a positive sample scores above a negative one, ties half.

    Source: Mann and Whitney's U, by ranks: AUC = (R - p(p+1)/2) / (p · n).

    Returns:
        One number for each class; NaN where all labels are alike: it is not defined then.

    Example:
        >>> roc_auc(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1]))
        tensor(0.7500)
    """
    score, positive = score.t().contiguous().double(), (label.t() > 0).double()
    ranked = score.sort().values
    below, upto = (torch.searchsorted(ranked, score, right=right) for right in (False, True))
    rank = (below + upto + 1) / 2  # tied samples share the mean of their ranks
    p = positive.sum(-1)
    n = positive.shape[-1] - p
    return (((rank * positive).sum(-1) - p * (p + 1) / 2) / (p * n)).float()


def average_precision(
    score: Float[Tensor, "samples ..."], label: Shaped[Tensor, "samples ..."]
) -> Float[Tensor, "..."]:
    """The mean, over the positive samples, of the precision at the threshold that just lets them in.

    Source: AP = Σ (R_k - R_{k-1}) P_k over the distinct thresholds, as scikit-learn computes it.

    Returns:
        One number for each class; NaN where no label is positive: it is not defined then.

    Example:
        >>> average_precision(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1]))
        tensor(0.8333)
    """
    score, positive = -score.t().contiguous().double(), (label.t() > 0).double()
    ranked, order = score.sort()
    hits = positive.gather(-1, order).cumsum(-1)
    let_in = torch.searchsorted(ranked, score, right=True)
    precision = hits.gather(-1, let_in - 1) / let_in
    return ((precision * positive).sum(-1) / positive.sum(-1)).float()
