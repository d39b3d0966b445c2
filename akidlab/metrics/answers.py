"""Answers: how many of a network's answers are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped


def accuracy(
    output: Float[Tensor, "batch classes ..."], labels: Shaped[Tensor, "batch ..."], top: int = 1
) -> Float[Tensor, ""]:
    """The share of right answers: `|{i : yᵢ among the top classes of oᵢ}| / n`; NaN of no answers.

    Source: the definition, as `sklearn.metrics.accuracy_score`, and `top_k_accuracy_score` for `top` > 1.

    Args:
        output: a score for each class, in the second dimension (further ones are positions, as of an image),
            or in the last one if only so the labels fit, as of a text.
        labels: the right class of each, or a score for each class, as one-hot labels are.
        top: among how many of the best classes the right one has to be.

    Raises:
        DataError: if the labels do not fit the output, or there are not so many classes.

    Example:
        >>> accuracy(torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), torch.tensor([1, 0, 0]))
        tensor(0.6667)
    """
    output, labels = output.detach(), labels.detach()
    if labels.shape == output.shape and output.dim() > 1:
        labels = labels.argmax(1)
    elif labels.shape == output.shape[:-1]:
        output = output.movedim(-1, 1) if labels.shape != output.shape[:1] + output.shape[2:] else output
    places = output.shape[:1] + output.shape[2:]
    if output.dim() < 2 or tuple(labels.shape) not in (places, (*places, 1)):
        raise DataError(
            f"Labels of shape {tuple(labels.shape)} do not fit scores of shape {tuple(output.shape)}: "
            "there is one label for each sample, and a score for each sample and class."
        )
    if not 1 <= top <= output.shape[1]:
        raise DataError(f"`top` is a number from 1 to the {output.shape[1]} classes, found {top!r}.")
    best = output.argmax(1, keepdim=True) if top == 1 else output.topk(top, dim=1).indices
    right = (best == labels.reshape(places).unsqueeze(1)).any(dim=1)
    return right.to(torch.float32).mean()
