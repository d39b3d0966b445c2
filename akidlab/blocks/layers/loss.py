"""Losses: blocks that judge what others emit; their brain adds them up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float, Int

IGNORED = -100  # the label of samples that do not count, as in torch


class LossLayer(Block):
    """A block whose value is a loss.

    Args:
        multiplier: what the loss is scaled by.
        kwargs: more of `Block`, such as `name` and `inputs`.
    """

    NAME = "loss"

    def __init__(self, *, multiplier: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.multiplier = multiplier

    @property
    def loss(self) -> Tensor | None:
        """The scaled loss of the last pass, None before it."""
        return self.data

    def _scaled(self, loss: Tensor) -> Tensor:
        return loss if self.multiplier == 1 else self.multiplier * loss

    def _says(self, *words: str) -> str:
        """These words about it, and what it is scaled by."""
        return ", ".join([*words, *([] if self.multiplier == 1 else [f"× {self.multiplier}"])])

    def extra_repr(self) -> str:
        return self._says()


class SoftmaxWithLossLayer(LossLayer):
    """The mean cross-entropy of logits against labels, with the accuracy as an evaluation.

    Its inputs are the logits, `[batch, classes]`, and the labels: whole numbers `[batch]`, or one
    distribution over the classes for each sample.

    Args:
        class_num: how many classes there are; None takes it from the logits.
        kwargs: more of `LossLayer` (multiplier) and of `Block` (name, inputs).

    Raises:
        BlockError: if logits and labels do not fit each other.

    Example:
        >>> loss = SoftmaxWithLossLayer(class_num=2)
        >>> value = loss(torch.tensor([[0.0, 9.0], [0.0, 9.0]]), torch.tensor([1, 0]))
        >>> loss.evals
        {'accuracy': tensor(0.5000)}
    """

    NAME = "loss"

    def __init__(self, class_num: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.class_num = class_num
        self._judged: list[Tensor | None] = [None, None]

    def forward(self, signal: list[Tensor]) -> Float[Tensor, ""]:
        logits: Float[Tensor, "batch classes"] = signal[0]
        labels: Int[Tensor, " batch"] | Float[Tensor, "batch classes"] = signal[1]
        if labels.dtype is not torch.int64 and not labels.is_floating_point():
            labels = labels.long()
        if not torch.compiler.is_exporting():
            judged = self._judged
            judged[0], judged[1] = logits, labels
        return self._scaled(F.cross_entropy(logits, labels))

    @property
    def evals(self) -> dict[str, Tensor]:
        """`accuracy`: the share of samples whose largest logit is that of their label."""
        logits, labels = self._judged
        if logits is None or labels is None:
            return {}
        with torch.no_grad():
            if labels.dim() == logits.dim():
                return {"accuracy": (logits.argmax(1) == labels.argmax(1)).float().mean()}
            right = (logits.argmax(1) == labels).sum()  # torch ignores samples labelled -100: so do we
            return {"accuracy": right / (labels != IGNORED).sum()}

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, list) or len(signal) != 2:
            raise BlockError(
                f"`{self.name}` wants logits and labels, found {found(signal)}. Wire both, such as "
                'inputs=[{"name": "ip1"}, {"name": "system_in", "idxs": [1]}].'
            )
        logits, labels = signal
        if logits.dim() < 2 or self.class_num not in (None, logits.shape[1]):
            raise BlockError(
                f"`{self.name}` wants logits of N×{self.class_num or 'classes'}, found {found(logits)}. "
                "Make the block before emit one number for each class."
            )
        spread = labels.is_floating_point() and labels.shape == logits.shape
        if not spread and (labels.shape != logits.shape[:1] + logits.shape[2:] or labels.is_floating_point()):
            kind = str(labels.dtype).removeprefix("torch.")
            raise BlockError(
                f"`{self.name}` wants one whole number per sample as labels, N = {logits.shape[0]} of them, "
                f"found {found(labels)} of {kind}. Correct the source, or the `idxs` of the labels."
            )
        self._check_range(labels, logits.shape[1])

    def _check_range(self, labels: Tensor, classes: int) -> None:
        if labels.is_floating_point() or not labels.numel():
            return
        low, high = int(labels.min()), int(labels.max())
        low = low if low != IGNORED else int(labels.masked_fill(labels == IGNORED, 0).min())
        if low < 0 or high >= classes:
            raise BlockError(
                f"`{self.name}` wants labels from 0 to {classes - 1}, found {low if low < 0 else high}."
            )

    def _setup(self, signal: Signal, seed: Seed) -> None:
        if signal is not None and self.class_num is None:
            self.class_num = signal[0].shape[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_judged": [None, None]}

    def extra_repr(self) -> str:
        return self._says(f"{self.class_num or '?'} classes")
