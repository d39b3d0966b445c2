"""Sources that are meant by what holds the samples: arrays, or a torch data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from akidlab.errors import KindError
from akidlab.sources.array import ArraySource
from akidlab.sources.dataset import DatasetSource
from akidlab.sources.source import Source

Samples: TypeAlias = "Tensor | np.ndarray | Sequence[Tensor | np.ndarray] | Dataset[Any]"


def meant(what: Any) -> Source:
    """The source that is meant by itself, by arrays, or by a torch data set.

    Raises:
        KindError: if it is none of these.
        DataError: if the arrays or the data set cannot be used.
    """
    if isinstance(what, Source):
        return what
    if isinstance(what, TensorDataset):  # in memory already: no need to go sample by sample
        return ArraySource(what.tensors)
    if isinstance(what, Dataset):
        return DatasetSource(what)  # type: ignore[arg-type]  (it says so where there is no length)
    if isinstance(what, (Tensor, np.ndarray)) or _are_arrays(what):
        return ArraySource(what)
    raise KindError(f"Samples come from a source, found {_told(what)}. {_advice(what)}")


def _are_arrays(what: Any) -> bool:
    return (
        isinstance(what, (tuple, list))
        and bool(what)
        and all(isinstance(part, (Tensor, np.ndarray)) for part in what)
    )


def _told(what: Any) -> str:
    return f"the class {what.__name__}" if isinstance(what, type) else f"a {type(what).__name__}"


def _advice(what: Any) -> str:
    if isinstance(what, type):
        return f"Give an instance: `{what.__name__}()`."
    if isinstance(what, DataLoader):
        return "Give what it loads, and make batches here: `FeedSensor(loader.dataset, batch_size=100)`."
    return "Give a source such as `ArraySource((x, y))` or `DatasetSource(dataset)`, or `(x, y)` as it is."
