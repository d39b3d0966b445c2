"""Evaluations: blocks that tell how well a brain does, and cost it nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from akidlab import nn
from akidlab.blocks.block import Block
from akidlab.blocks.eval_blocks import (
    AUCEvalBlock,
    AveragePrecisionEvalBlock,
    DefinedEvalBlock,
    EvalBlock,
    MultiEvalBlock,
)
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class EvalLayer(Block):
    """A block whose value is an evaluation of its two inputs, answers and labels; it passes no gradients.

    A subclass writes `judge(answer, label)`, which returns a number as a tensor, and names it in `EVAL`.
    Answers and labels may have any shapes.

    Args:
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> class Top2(EvalLayer):
        ...     EVAL = "top2"
        ...     def judge(self, answer, label):
        ...         best = answer.topk(2, dim=1).indices
        ...         return (best == label[:, None]).any(1).float().mean()
        >>> layer = Top2()
        >>> layer(torch.tensor([[0.1, 0.7, 0.2], [0.5, 0.4, 0.1]]), torch.tensor([2, 2]))
        tensor(0.5000)
        >>> layer.evals
        {'top2': tensor(0.5000)}
    """

    NAME = "eval"
    EVAL = "eval"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._judged: list[Signal] = [None]

    def judge(self, answer: Tensor, label: Tensor) -> Tensor:
        """The evaluation of a batch."""
        raise NotImplementedError

    def forward(self, signal: list[Tensor]) -> Tensor:
        with torch.no_grad():
            answer, label = signal[0].detach(), signal[1]
            if not torch.compiler.is_exporting():
                self._judged[0] = answer, label
            return self.judge(answer, label)

    @property
    def evals(self) -> dict[str, Tensor]:
        return {} if self.data is None else {self.EVAL: self.data}

    def _pair(self) -> tuple[Tensor, Tensor] | None:
        """Answers and labels of the last pass in validation, for what is gathered over all batches."""
        return None if self.training else self._judged[0]

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, list) or len(signal) != 2:
            raise BlockError(
                f"`{self.name}` wants answers and labels, found {found(signal)}. Wire both, such as "
                'inputs=[{"name": "ip1"}, {"name": "system_in", "idxs": [1]}].'
            )

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_judged": [None]}


class BinaryAccuracy(EvalLayer):
    """The share of answers on the right side: probabilities against 0 and 1, or scores against -1 and 1.

    Args:
        hinge_loss_label: labels are -1 and 1, and answers are scores.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> BinaryAccuracy()(torch.tensor([0.9, 0.2]), torch.tensor([1, 1]))
        tensor(0.5000)
    """

    NAME = "binary_accuracy"
    EVAL = "Acc"

    def __init__(self, hinge_loss_label: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hinge_loss_label = hinge_loss_label

    def judge(self, answer: Tensor, label: Tensor) -> Float[Tensor, ""]:
        return nn.binary_accuracy(answer, label, self.hinge_loss_label)

    def _check(self, signal: Signal) -> None:
        super()._check(signal)
        check_alike(self, signal)


class AUCLayer(EvalLayer):
    """The area under the ROC curve, its mean over the classes for which the batch defines it.

    A batch tells `batch_AUC`. A validation also gathers, exactly, `AUC` over all samples:
    `[mean over samples, mean over classes]`, in the brain's verbose evaluations.

    Args:
        return_average_auc: False to gather, for each class, the mean over batches as well: `class_AUC`.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> AUCLayer()(torch.tensor([[0.1], [0.4], [0.35], [0.8]]), torch.tensor([[0], [0], [1], [1]]))
        tensor(0.7500)
    """

    NAME = "auc"
    EVAL = "batch_AUC"

    def __init__(self, return_average_auc: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.return_average_auc = return_average_auc

    def judge(self, answer: Tensor, label: Tensor) -> Float[Tensor, ""]:
        return nn.roc_auc(answer, label).nanmean()

    @property
    def verbose_evals(self) -> dict[str, Any]:
        pair = self._pair()
        if pair is None:
            return {}
        return {"AUC": pair} | ({} if self.return_average_auc else {"class_AUC": nn.roc_auc(*pair)})

    @property
    def eval_blocks(self) -> dict[str, type[EvalBlock]]:
        return {"AUC": AUCEvalBlock, "class_AUC": MultiEvalBlock, "batch_AUC": DefinedEvalBlock}

    def _check(self, signal: Signal) -> None:
        super()._check(signal)
        check_classes(self, signal)


class MultiLabelAccuracy(EvalLayer):
    """The mean average precision, over the labels that at least one sample of the batch has.

    A batch tells `MAP`. A validation also gathers, exactly, `total_MAP` over all samples, in the brain's
    verbose evaluations.

    Args:
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> MultiLabelAccuracy()(torch.tensor([[0.9, 0.1], [0.2, 0.8]]), torch.tensor([[1, 0], [0, 1]]))
        tensor(1.)
    """

    NAME = "multi_label_accuracy"
    EVAL = "MAP"

    def judge(self, answer: Tensor, label: Tensor) -> Float[Tensor, ""]:
        return nn.average_precision(answer, label).nanmean()

    @property
    def verbose_evals(self) -> dict[str, Any]:
        pair = self._pair()
        return {} if pair is None else {"total_MAP": pair}

    @property
    def eval_blocks(self) -> dict[str, type[EvalBlock]]:
        return {"total_MAP": AveragePrecisionEvalBlock, "MAP": DefinedEvalBlock}

    def _check(self, signal: Signal) -> None:
        super()._check(signal)
        check_classes(self, signal)


def check_alike(block: EvalLayer, signal: list[Tensor]) -> None:
    """Raise a BlockError unless answers and labels have one shape."""
    if signal[0].shape != signal[1].shape:
        raise BlockError(f"`{block.name}` wants answers and labels of one shape, found {found(signal)}.")


def check_classes(block: EvalLayer, signal: list[Tensor]) -> None:
    """Raise a BlockError unless answers and labels are one number for each sample and class."""
    check_alike(block, signal)
    if signal[0].dim() != 2:
        raise BlockError(f"`{block.name}` wants answers of N×classes, found {found(signal[0])}.")
