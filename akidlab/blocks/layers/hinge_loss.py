"""Hinge losses: of scores against sides, and of pairs that should be ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from akidlab import nn
from akidlab.blocks.layers.elementwise_loss import check_pair
from akidlab.blocks.layers.loss import LossLayer
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class HingeLossLayer(LossLayer):
    """The hinge loss of scores against labels of 1 and -1; a third input weighs the terms.

    Args:
        tripod_hinge_loss: labels may be 0, too: such a score should be 0.
        signal_balancing: let the zeros and the others count alike, however many there are.
        kwargs: more of `LossLayer` (multiplier) and of `Block` (name, inputs).

    Example:
        >>> HingeLossLayer()(torch.tensor([2.0, 0.5]), torch.tensor([1, -1]))
        tensor(0.7500)
    """

    NAME = "hinge"

    def __init__(
        self, tripod_hinge_loss: bool = False, signal_balancing: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if signal_balancing and not tripod_hinge_loss:
            raise BlockError(
                f"`signal_balancing` of `{self.name}` balances labels of 0 against the others: it wants "
                "tripod_hinge_loss=True."
            )
        self.tripod_hinge_loss, self.signal_balancing = tripod_hinge_loss, signal_balancing

    def forward(self, signal: list[Tensor]) -> Float[Tensor, ""]:
        if self.tripod_hinge_loss:
            return self._scaled(nn.tripod_hinge_loss(*signal, signal_balancing=self.signal_balancing))
        return self._scaled(nn.hinge_loss(*signal))

    def extra_repr(self) -> str:
        balanced = ["balanced"] * self.signal_balancing
        return self._says(*["tripod"] * self.tripod_hinge_loss, *balanced)

    def _check(self, signal: Signal) -> None:
        check_pair(self, signal, (2, 3))
        label = signal[1]
        known = (label == 1) | (label == -1)
        if self.tripod_hinge_loss:
            known |= label == 0
        if bool(label.any()) and not bool(known.all()):  # an edit tries its brain on nothing but zeros
            wanted = "1, -1 and 0" if self.tripod_hinge_loss else "1 and -1"
            raise BlockError(
                f"`{self.name}` wants labels of {wanted}, found {label[~known].flatten()[0].item():g}. "
                "Labels of 0 and 1 become so by 2 * label - 1."
            )


class MarginRankingLossLayer(LossLayer):
    """Asks scores of the first input to lie above those of the second by a margin.

    Inputs of one shape are compared pair by pair. Two inputs of one dimension are compared all with all;
    a second input with one dimension more holds several rivals for each score. Lists, one tensor for each
    sample, are compared all with all within the sample; the mean is that over samples that have a pair.

    Args:
        margin: by how much.
        hard_sample_mining: take the mean over the pairs that violate the margin alone; 0 if none does.
        kwargs: more of `LossLayer` (multiplier) and of `Block` (name, inputs).

    Example:
        >>> MarginRankingLossLayer(margin=1.0)(torch.tensor([2.0]), torch.tensor([0.0, 1.5]))
        tensor(0.2500)
    """

    NAME = "ranking"

    def __init__(self, margin: float, hard_sample_mining: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(margin, (int, float)) or margin < 0:
            raise BlockError(f"`margin` of `{self.name}` is a number of 0 or more, found {margin!r}.")
        self.margin, self.hard_sample_mining = float(margin), hard_sample_mining

    def forward(self, signal: list[Any]) -> Float[Tensor, ""]:
        higher, lower = signal
        if isinstance(higher, (list, tuple)):
            samples = zip(higher, lower, strict=True)
            terms = [self._all_pairs(*sample) for sample in samples if all(part.numel() for part in sample)]
            return self._scaled(torch.stack(terms).mean() if terms else torch.cat(higher).sum() * 0)
        if higher.dim() == lower.dim() == 1:
            return self._scaled(self._all_pairs(higher, lower))
        return self._scaled(self._of(higher if lower.dim() == higher.dim() else higher.unsqueeze(-1), lower))

    def _all_pairs(self, higher: Tensor, lower: Tensor) -> Tensor:
        return self._of(higher.flatten().unsqueeze(1), lower.flatten().unsqueeze(0))

    def _of(self, higher: Tensor, lower: Tensor) -> Tensor:
        return nn.hinge_ranking_loss(higher, lower, self.margin, self.hard_sample_mining)

    def extra_repr(self) -> str:
        return self._says(f"margin {self.margin:g}", *["hard samples"] * self.hard_sample_mining)

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, list) or len(signal) != 2:
            raise BlockError(
                f"`{self.name}` wants two inputs, what should score higher and what lower, found "
                f"{found(signal)}."
            )
        higher, lower = signal
        if isinstance(higher, (list, tuple)) or isinstance(lower, (list, tuple)):
            self._check_lists(higher, lower)
        elif higher.dim() != 1 or lower.dim() != 1:
            fits = lower.shape == higher.shape or lower.shape[:-1] == higher.shape
            if not fits:
                raise BlockError(
                    f"`{self.name}` wants scores of one shape, or several rivals for each score in the last "
                    f"dimension, found {found(signal)}."
                )

    def _check_lists(self, higher: Any, lower: Any) -> None:
        both = isinstance(higher, (list, tuple)) and isinstance(lower, (list, tuple))
        if not both or len(higher) != len(lower) or not higher:
            raise BlockError(
                f"`{self.name}` wants as many samples on both sides, found {found(higher)} and "
                f"{found(lower)}."
            )
