"""Outcomes: how well a model does on data, asked as in validation while it learns on."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from akidlab.errors import DataError
from akidlab.metrics.answers import accuracy
from akidlab.metrics.looking import (
    Batch,
    Data,
    Loss,
    answer,
    each_batch,
    looking_at,
    objective_of,
    to_device_of,
)
from akidlab.metrics.transfer import to_host


def accuracy_of(model: nn.Module, data: Data, top: int = 1) -> float:
    """The share of right answers of a model on data: `Σ right / n`, whatever the batches.

    Source: the definition, as `sklearn.metrics.accuracy_score` on all answers together.

    Args:
        model: ours or a stranger's; its mode, its statistics and all random numbers stay as they are.
        data: inputs and labels, or batches of these, as a `DataLoader` gives.
        top: among how many of the best classes the right one has to be.

    Raises:
        DataError: if there are no batches or no labels, or the labels do not fit.

    Example:
        >>> accuracy_of(torch.nn.Identity(), (torch.eye(4), torch.tensor([0, 1, 2, 0])))
        0.75
    """
    return _mean(model, data, lambda shared, batch: accuracy(answer(shared, batch), batch[1], top))


def loss_of(model: nn.Module, data: Data, loss: Loss | None = None) -> float:
    """The loss of a model on data: `Σ nᵦ L(batch b) / n`, for a loss that is a mean over samples.

    Source: the definition: the loss of all samples together, whatever the batches.

    Args:
        model: ours or a stranger's, as for `accuracy_of`.
        data: inputs and labels, or batches of these.
        loss: `loss(model(inputs), labels)`; a brain has its own.

    Raises:
        DataError: if there are no batches or no labels.
        KindError: if no loss is given and the model has none.

    Example:
        >>> loss_of(torch.nn.Identity(), (torch.ones(4), torch.zeros(4)), torch.nn.functional.mse_loss)
        1.0
    """
    return _mean(model, data, lambda shared, batch: objective_of(shared, loss)(batch))


def message_mean(values: Iterable[float | Tensor]) -> float:
    """The mean of one number of several modules, each counting alike: `Σₖ xₖ / K`; NaN of none.

    Source: the definition, as Ikkuna's `MessageMeanSubscriber`, which divided by 0 then.

    Example:
        >>> message_mean([1.0, torch.tensor(2.0), 6.0])
        3.0
    """
    return float(torch.tensor(to_host(list(values)), dtype=torch.float64).mean())


def _mean(model: nn.Module, data: Data, judged: Callable[[nn.Module, Batch], Tensor]) -> float:
    found: list[Tensor] = []
    sizes: list[int] = []
    with looking_at(model) as shared:
        for batch in each_batch(data):
            if len(batch) < 2:
                raise DataError("To judge answers there must be labels: give (inputs, labels).")
            found.append(judged(shared, to_device_of(shared, batch)).detach())
            sizes.append(len(batch[1]))
    return sum(value * size for value, size in zip(to_host(found), sizes, strict=True)) / max(sum(sizes), 1)
