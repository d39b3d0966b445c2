"""Losses of each number by itself: squared errors and binary cross-entropies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.layers.loss import LossLayer
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class MSELossLayer(LossLayer):
    """The squared error of answers against the truth, both of one shape.

    Args:
        size_average: the mean over all numbers; False for their sum.
        kwargs: more of `LossLayer` (multiplier) and of `Block` (name, inputs).

    Example:
        >>> MSELossLayer()(torch.tensor([[1.0, 3.0]]), torch.tensor([[1.0, 1.0]]))
        tensor(2.)
    """

    NAME = "mse"

    def __init__(self, size_average: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size_average = size_average

    def forward(self, signal: list[Tensor]) -> Float[Tensor, ""]:
        answer, truth = signal
        reduction = "mean" if self.size_average else "sum"
        return self._scaled(F.mse_loss(answer, truth.to(answer.dtype), reduction=reduction))

    def extra_repr(self) -> str:
        return self._says(*[] if self.size_average else ["added up"])

    def _check(self, signal: Signal) -> None:
        check_pair(self, signal, (2,))


class BCELossLayer(LossLayer):
    """The mean binary cross-entropy of logits against labels from 0 to 1, both of one shape.

    A third input, if there is one, weighs the positive labels (`pos_weight` in torch): one number, or one
    for each label.

    Args:
        kwargs: more of `LossLayer` (multiplier) and of `Block` (name, inputs).

    Example:
        >>> BCELossLayer()(torch.zeros(1, 2), torch.tensor([[0, 1]]))
        tensor(0.6931)
    """

    NAME = "bce"

    def forward(self, signal: list[Tensor]) -> Float[Tensor, ""]:
        logits, labels = signal[0], signal[1].to(signal[0].dtype)
        weight = signal[2].to(logits.dtype) if len(signal) > 2 else None
        return self._scaled(F.binary_cross_entropy_with_logits(logits, labels, pos_weight=weight))

    def _check(self, signal: Signal) -> None:
        check_pair(self, signal, (2, 3))
        low, high = signal[1].aminmax() if signal[1].numel() else (0, 1)
        if low < 0 or high > 1:
            raise BlockError(
                f"`{self.name}` wants labels from 0 to 1, found {float(low):g} to {float(high):g}. For "
                "labels of -1 and 1 there is HingeLossLayer."
            )


def check_pair(block: LossLayer, signal: Signal, counts: tuple[int, ...]) -> None:
    """Raise a BlockError unless the first two of so many inputs have one shape."""
    if not isinstance(signal, list) or len(signal) not in counts:
        raise BlockError(
            f"`{block.name}` wants {' or '.join(map(str, counts))} inputs, answers and their truth first, "
            f"found {found(signal)}. Wire them, such as "
            'inputs=[{"name": "ip1"}, {"name": "system_in", "idxs": [1]}].'
        )
    if signal[0].shape != signal[1].shape:
        raise BlockError(
            f"`{block.name}` wants answers and their truth of one shape, found {found(signal[:2])}. Reshape "
            "one of them, for instance by a ReshapeLayer."
        )
