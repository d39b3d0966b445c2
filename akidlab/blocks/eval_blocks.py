"""Eval blocks: how an evaluation is gathered over the batches of a whole validation, exactly."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from akidlab import nn
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from typing_extensions import Self


class EvalBlock(ABC):
    """Gathers what a brain tells of each batch; blocks of several ranks can be merged.

    A layer names the one that suits an evaluation in its `eval_blocks`; `register_eval_block` chooses
    another one for an evaluation by name.
    """

    @abstractmethod
    def add(self, value: Any, samples: int = 1) -> None:
        """Take what was told of a batch of so many samples."""

    @abstractmethod
    def merge(self, other: Self) -> None:
        """Take what another one has gathered."""

    @property
    @abstractmethod
    def data(self) -> Any:
        """What it has come to."""

    def __str__(self) -> str:
        return _told(self.data)


class BatchEvalBlock(EvalBlock):
    """The mean over samples: a short last batch counts for the samples that it has.

    Example:
        >>> block = BatchEvalBlock()
        >>> block.add(1.0, samples=100)
        >>> block.add(0.0, samples=50)
        >>> print(block)
        0.6667
    """

    def __init__(self) -> None:
        self.total, self.samples = 0.0, 0

    def add(self, value: float | Tensor, samples: int = 1) -> None:
        self.total += _number(value) * samples
        self.samples += samples

    def merge(self, other: BatchEvalBlock) -> None:
        self.total, self.samples = self.total + other.total, self.samples + other.samples

    @property
    def data(self) -> float:
        """The mean; NaN while there is nothing."""
        return self.total / self.samples if self.samples else math.nan


class DefinedEvalBlock(BatchEvalBlock):
    """The mean over the samples of those batches for which the evaluation is defined: is not NaN."""

    def add(self, value: float | Tensor, samples: int = 1) -> None:
        if not math.isnan(number := _number(value)):
            super().add(number, samples)


class MultiEvalBlock(EvalBlock):
    """The means of several numbers side by side; one that is NaN in a batch is left out there.

    Example:
        >>> block = MultiEvalBlock()
        >>> block.add([1.0, math.nan])
        >>> block.add([3.0, 2.0])
        >>> block.data
        [2.0, 2.0]
    """

    def __init__(self) -> None:
        self.means: list[DefinedEvalBlock] = []

    def add(self, value: Sequence[float] | Tensor, samples: int = 1) -> None:
        values = value.tolist() if isinstance(value, Tensor) else list(value)
        self._fit(len(values))
        for mean, number in zip(self.means, values, strict=True):
            mean.add(number, samples)

    def merge(self, other: MultiEvalBlock) -> None:
        if other.means:
            self._fit(len(other.means))
            for mine, its in zip(self.means, other.means, strict=True):
                mine.merge(its)

    def _fit(self, count: int) -> None:
        self.means = self.means or [DefinedEvalBlock() for _ in range(count)]
        if len(self.means) != count:
            raise BlockError(
                f"An evaluation told {len(self.means)} numbers, then {count}. Tell as many each time, NaN "
                "where one is not defined."
            )

    @property
    def data(self) -> list[float]:
        """The means; NaN where there is nothing."""
        return [mean.data for mean in self.means]


class PairsEvalBlock(EvalBlock):
    """Keeps answers and labels of all samples, for what cannot be put together from batches."""

    def __init__(self) -> None:
        self.answers: list[Tensor] = []
        self.labels: list[Tensor] = []

    def add(self, value: tuple[Tensor, Tensor], samples: int = 1) -> None:
        answer, label = (torch.as_tensor(part).detach().cpu() for part in value)
        self.answers.append(answer)
        self.labels.append(label)

    def merge(self, other: PairsEvalBlock) -> None:
        self.answers, self.labels = self.answers + other.answers, self.labels + other.labels

    def _all(self) -> tuple[Tensor, Tensor]:
        if not self.answers:
            return torch.zeros(0, 1), torch.zeros(0, 1)
        return tuple(torch.cat(parts).unflatten(0, (-1,)) for parts in (self.answers, self.labels))  # type: ignore[return-value]


class AUCEvalBlock(PairsEvalBlock):
    """The area under the ROC curve over all samples: its mean over rows, and over columns (classes).

    Example:
        >>> block = AUCEvalBlock()
        >>> block.add((torch.tensor([[0.9, 0.1], [0.2, 0.8]]), torch.tensor([[1, 0], [0, 1]])))
        >>> block.data
        [1.0, 1.0]
    """

    @property
    def data(self) -> list[float | None]:
        """The mean AUC of rows and of columns; None where it is defined for none of them."""
        answers, labels = self._all()
        return [_mean(nn.roc_auc(answers.t(), labels.t())), _mean(nn.roc_auc(answers, labels))]


class AveragePrecisionEvalBlock(PairsEvalBlock):
    """The average precision over all samples: the mean over the classes that have a positive sample."""

    @property
    def data(self) -> float | None:
        """The mean; None where no class has a positive sample."""
        return _mean(nn.average_precision(*self._all()))


_chosen: dict[str, type[EvalBlock]] = {}  # akid's map, by the name of an evaluation


def register_eval_block(name: str, kind: type[EvalBlock]) -> None:
    """Have the evaluation `name` gathered by `kind` from now on, whatever its layer says.

    Raises:
        BlockError: if it is not a class of eval blocks.
    """
    if not (isinstance(kind, type) and issubclass(kind, EvalBlock)):
        raise BlockError(f"`{name}` is gathered by a class of EvalBlock, found {kind!r}.")
    _chosen[name] = kind


def get_eval_block(name: str, default: type[EvalBlock] = BatchEvalBlock) -> type[EvalBlock]:
    """The class that gathers the evaluation `name`: what was registered, else `default`."""
    return _chosen.get(name, default)


def reset_eval_block_map() -> None:
    """Forget what was registered."""
    _chosen.clear()


def _number(value: float | Tensor) -> float:
    return value.item() if isinstance(value, Tensor) else float(value)


def _mean(values: Tensor) -> float | None:
    defined = values[~values.isnan()]
    return float(defined.mean()) if defined.numel() else None


def _told(data: Any) -> str:
    if isinstance(data, list):
        return "[" + ", ".join(_told(part) for part in data) + "]"
    return "undefined" if data is None else f"{data:0.4f}"
