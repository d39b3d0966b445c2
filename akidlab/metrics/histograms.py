"""Histograms: how many elements of a tensor lie in each of a few equal intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from akidlab.errors import DataError
from akidlab.metrics.numbers import real

if TYPE_CHECKING:
    from jaxtyping import Float, Int, Shaped


class Histogram(NamedTuple):
    """How many elements lie in each interval.

    Args:
        counts: one number for each interval.
        edges: where the intervals begin, and where the last one ends.
    """

    counts: Int[Tensor, " bins"]
    edges: Float[Tensor, " edges"]


def histogram(
    tensor: Shaped[Tensor, "..."], bins: int = 64, range: tuple[float, float] | None = None
) -> Histogram:
    """How many elements lie in each of `bins` equal intervals: `cₖ = |{i : eₖ ≤ xᵢ < eₖ₊₁}|`.

    The last one includes its end. What lies outside of the range is left out, and so are NaN and infinity.
    It is made on the device of the tensor; none is lost in counting.

    Source: the definition, as `numpy.histogram`, which refuses NaN and infinity.

    Args:
        tensor: what is looked at.
        bins: how many intervals.
        range: from where to where; by default from the least to the greatest finite element.

    Raises:
        DataError: if there is not one interval, or the range ends before it begins.

    Example:
        >>> histogram(torch.tensor([0.0, 1.0, 1.5, 4.0]), bins=2)
        Histogram(counts=tensor([3, 1]), edges=tensor([0., 2., 4.]))
    """
    if bins < 1:
        raise DataError(f"A histogram has 1 bin or more, found bins={bins!r}.")
    values = real(tensor).reshape(-1)
    if values.numel() and not torch.stack(values.aminmax()).isfinite().all():
        values = values[values.isfinite()]
    low, high = _range(values, range)
    if range is not None:
        values = values[(values >= low) & (values <= high)]
    edges = torch.linspace(low, high, bins + 1, dtype=torch.float64).to(values)
    return Histogram(torch.bincount(_places(values, edges), minlength=bins), edges)


def _places(values: Tensor, edges: Tensor) -> Tensor:
    """In which interval each lies; in single precision one on an edge may lie on either side of it."""
    if values.dtype == torch.float64:  # whole numbers lie on edges
        return torch.bucketize(values, edges[1:-1].contiguous(), right=True)
    bins = len(edges) - 1
    share = (values - edges[0]) / (edges[-1] - edges[0])
    return (share * bins).to(torch.int64).clamp_(0, bins - 1)


def _range(values: Tensor, range: tuple[float, float] | None) -> tuple[float, float]:
    if range is not None:
        low, high = range
        if not low <= high:
            raise DataError(f"A range goes from the lower to the higher end, found {range!r}.")
    elif values.numel():
        low, high = (float(end) for end in values.aminmax())
    else:
        low, high = 0.0, 1.0
    return (low - 0.5, high + 0.5) if low == high else (low, high)  # as NumPy does
