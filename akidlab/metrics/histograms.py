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
    It is made on the device of the tensor, and its counts are exact.

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
    values = values[values.isfinite()]
    low, high = _range(values, range)
    edges = torch.linspace(low, high, bins + 1, dtype=torch.float64).to(values)
    values = values[(values >= edges[0]) & (values <= edges[-1])]
    places = torch.bucketize(values, edges[1:-1].contiguous(), right=True)
    return Histogram(torch.bincount(places, minlength=bins), edges)


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
