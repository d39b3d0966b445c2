"""The loss of classes that come in groups, where a group may hold none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.layers.channels import whole_number
from akidlab.blocks.layers.loss import LossLayer
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class GroupSoftmaxWithLossLayer(LossLayer):
    """The mean cross-entropy, over samples and groups, of a softmax within each group and a ground state.

    Its inputs are the logits, `[batch, classes]`, the labels, `[batch]`, for the accuracy, and the label
    vectors: for each group one place for each of its classes and, last, one for "none of them",
    `[batch, groups · (group_size + 1)]`, such as the last two labels of an `HCifar100Source`. The ground
    state has the logit 0, as in `GroupSoftmaxLayer`.

    Args:
        group_size: how many classes are a group.
        augment_label: True where label vectors have no place for "none of them", `[batch, classes]`: it is
            what is left to 1.
        kwargs: more of `LossLayer` (multiplier) and of `Block` (name, inputs).

    Example:
        >>> loss = GroupSoftmaxWithLossLayer(group_size=2, augment_label=True)
        >>> loss(torch.zeros(1, 4), torch.tensor([0]), torch.tensor([[1.0, 0, 0, 0]]))
        tensor(1.0986)
        >>> loss.evals
        {'accuracy': tensor(1.)}
    """

    NAME = "group_loss"

    def __init__(self, group_size: int = 4, *, augment_label: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.group_size = whole_number(self, "group_size", group_size)
        self.augment_label = augment_label
        self._judged: list[Tensor | None] = [None, None]

    def forward(self, signal: list[Tensor]) -> Float[Tensor, ""]:
        logits, labels, vectors = signal
        if not torch.compiler.is_exporting():
            self._judged[0], self._judged[1] = logits, labels
        grouped = F.pad(logits.unflatten(1, (-1, self.group_size)), (0, 1))
        truth = vectors.to(logits.dtype).unflatten(1, (grouped.shape[1], -1))
        if self.augment_label:
            truth = torch.cat([truth, 1 - truth.sum(2, keepdim=True)], 2)
        return self._scaled(-(truth * F.log_softmax(grouped, 2)).sum(2).mean())

    @property
    def evals(self) -> dict[str, Tensor]:
        """`accuracy`: the share of samples whose largest logit is that of their label."""
        logits, labels = self._judged
        if logits is None or labels is None:
            return {}
        with torch.no_grad():
            return {"accuracy": (logits.argmax(1) == labels).float().mean()}

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, list) or len(signal) != 3:
            raise BlockError(
                f"`{self.name}` wants logits, labels and label vectors, found {found(signal)}. Wire all "
                'three, such as inputs=[{"name": "ip1"}, {"name": "system_in", "idxs": [1, 2]}].'
            )
        logits, labels, vectors = signal
        if logits.dim() != 2 or logits.shape[1] % self.group_size:
            raise BlockError(
                f"`{self.name}` wants logits of N×(a multiple of {self.group_size}), found {found(logits)}. "
                "Correct `group_size`, or what comes before."
            )
        groups = logits.shape[1] // self.group_size
        wanted = (len(logits), logits.shape[1] if self.augment_label else logits.shape[1] + groups)
        if vectors.shape != wanted or labels.shape != logits.shape[:1]:
            raise BlockError(
                f"`{self.name}` wants labels of {len(logits)} and label vectors of {wanted[0]}×{wanted[1]} "
                f"for {groups} groups, found {found(labels)} and {found(vectors)}. "
                "`augment_label` tells whether vectors lack the place for none of a group's classes."
            )

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_judged": [None, None]}

    def extra_repr(self) -> str:
        return self._says(f"groups of {self.group_size}")
