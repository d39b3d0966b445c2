"""DatasetSource: any torch `Dataset` that can be indexed, sample by sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor

from akidlab.errors import DataError
from akidlab.sources.array import as_samples
from akidlab.sources.lazy import LazySource
from akidlab.sources.source import check_mode

if TYPE_CHECKING:
    from akidlab.sources.source import Indices


class Indexed(Protocol):
    """What a torch `Dataset` of map style has."""

    def __getitem__(self, index: int, /) -> Any:
        """One sample."""
        ...

    def __len__(self) -> int:
        """How many there are."""
        ...


class DatasetSource(LazySource):
    """Any torch `Dataset` that can be indexed, and anything else with a length and samples by number.

    A sample is a tuple, a list or a dictionary of tensors, arrays, numbers or images of pillow, the label
    last, or one of these alone. Values become tensors as in `ArraySource`: floats and images of bytes
    float32, other integers int64; images of pillow are turned to `[channels, height, width]`. Random
    transforms inside a data set draw from the generators of the process that reads it; jokers are
    reproducible.

    Args:
        train: the data set to learn from.
        val: the data set to validate with, if any.
        test: the data set to test with, if any.
        name: what to call it.

    Raises:
        DataError: if a data set has no length or is empty; when read, if its samples cannot be made a batch.

    Example:
        >>> from torch.utils.data import TensorDataset
        >>> DatasetSource(TensorDataset(torch.zeros(6, 1, 8, 8), torch.arange(6)))
        DatasetSource 'dataset': 6 training samples of 1x8x8
    """

    NAME = "dataset"

    def __init__(
        self,
        train: Indexed,
        val: Indexed | None = None,
        test: Indexed | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.datasets = {
            mode: _checked(dataset, mode)
            for mode, dataset in (("train", train), ("val", val), ("test", test))
            if dataset is not None
        }

    def size(self, mode: str = "train") -> int:
        """How many samples the part of a mode has, 0 where there is none."""
        check_mode(mode)
        return len(self.datasets[mode]) if mode in self.datasets else 0

    def fetch(self, mode: str, indices: Indices, epoch: int = 0) -> tuple[Tensor, ...]:
        """Some samples of a part, as batches."""
        rows = self.rows(mode, indices).tolist()
        dataset = self.datasets[mode]
        at_once = getattr(dataset, "__getitems__", None)
        some = rows or [0]  # to know the shape of no samples, one is looked at
        items = _samplewise(at_once(some)) if at_once else [dataset[row] for row in some]
        return tuple(tensor[: len(rows)] for tensor in batch(items, f"the {mode} part of `{self.name}`"))


TorchSource = DatasetSource


def batch(items: Sequence[Any], what: str) -> tuple[Tensor, ...]:
    """The samples `items` as one tensor for each of their fields.

    Raises:
        DataError: if a field is no number or no array, or differs in shape or number between samples.

    Example:
        >>> batch([(torch.zeros(2), 3), (torch.ones(2), 4)], "this")
        (tensor([[0., 0.],
                [1., 1.]]), tensor([3, 4]))
    """
    samples = [_fields(item) for item in items]
    counts = sorted({len(sample) for sample in samples})
    if len(counts) != 1:
        raise DataError(f"The samples of {what} have {' and '.join(map(str, counts))} fields. Give as many.")
    return tuple(
        as_samples(_stack([_value(sample[i]) for sample in samples], i, what), f"Field {i} of {what}")
        for i in range(counts[0])
    )


def _fields(item: Any) -> Sequence[Any]:
    if isinstance(item, Mapping):
        return list(item.values())
    return item if isinstance(item, (tuple, list)) else (item,)


def _value(value: Any) -> Any:
    """A field as a tensor or an array; an image of pillow with its channels first."""
    if isinstance(value, Tensor):
        return value.detach()
    array = np.asarray(value)
    if hasattr(value, "getbands"):
        return np.expand_dims(array, 0) if array.ndim == 2 else array.transpose(2, 0, 1)
    return array


def _stack(values: list[Any], i: int, what: str) -> Any:
    shapes = sorted({tuple(value.shape) for value in values})
    if len(shapes) > 1:
        raise DataError(
            f"Field {i} of {what} differs in shape from sample to sample: {shapes[0]} and {shapes[1]}. "
            f"Resize, crop or pad the samples in the data set."
        )
    return torch.stack(values) if isinstance(values[0], Tensor) else np.stack(values)


def _samplewise(items: Any) -> Sequence[Any]:
    """Samples one by one, where a data set gives a dictionary of columns for many at once."""
    if isinstance(items, Mapping):
        return [dict(zip(items, values, strict=True)) for values in zip(*items.values(), strict=True)]
    return items


def _checked(dataset: Any, mode: str) -> Indexed:
    try:
        length = len(dataset)
    except (TypeError, NotImplementedError):
        length = None
    if length is None or not hasattr(dataset, "__getitem__"):
        raise DataError(
            f"`{mode}` is a `{type(dataset).__name__}`, which has no samples by number and no length. Give a "
            f"data set with `__getitem__` and `__len__`, for instance the samples in a list."
        )
    if length == 0:
        raise DataError(f"`{mode}` holds no samples. Leave it out, or give it some.")
    return dataset
