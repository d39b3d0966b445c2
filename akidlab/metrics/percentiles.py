"""Percentiles: nine numbers that tell how the values of a tensor are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from akidlab.errors import DataError
from akidlab.metrics.flattening import flat
from akidlab.metrics.ordering import between, places
from akidlab.metrics.sampling import ELEMENTS, rank_error, sampled

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["percentiles", "rank_error"]


def percentiles(
    tensor: Float[Tensor, "..."], *, exact: bool = False, elements: int = ELEMENTS
) -> Float[Tensor, "9"]:
    """The minimum, the percentiles 7, 16, 31, 50, 69, 84, 93 and the maximum of a tensor, ascending.

    With n sorted values x the percentile p is x at the place p/100 * (n - 1), between two places on the line
    from one to the other (definition 7 of Hyndman and Fan, 1996; NumPy's default). Minimum and maximum are
    always exact. Of a tensor with more than `elements` values the inner seven are those of a sample, always
    the same places: with 99 % confidence each lies between the true percentiles `rank_error(elements)`
    lower and higher, 2.1 points at 8,192. All nine are NaN where there is a NaN.

    Args:
        tensor: numbers of any shape and kind, at least one; taken as float32, complex ones by their size.
        exact: look at all values.
        elements: how many values to look at, if not all.

    Raises:
        DataError: if the tensor is empty.

    Example:
        >>> from akidlab.metrics.percentiles import percentiles
        >>> percentiles(torch.arange(101.0)).tolist()
        [0.0, 7.0, 16.0, 31.0, 50.0, 69.0, 84.0, 93.0, 100.0]
    """
    if tensor.numel() == 0:
        raise DataError(
            f"A tensor of shape {tuple(tensor.shape)} has no percentiles: give it elements first."
        )
    values, ends = flat(tensor), 0
    if not exact and len(values) > elements:
        some = values.index_select(0, sampled(len(values), elements, values.device))
        values, ends = torch.cat([some, *(end[None] for end in torch.aminmax(values))]), 1
    row = values.to("cpu", torch.float32, copy=True).numpy()
    row.sort()
    below, above, way = places(len(row), ends)
    return torch.from_numpy(between(row[np.stack([below, above])], way)).to(tensor.device)
