"""Histograms against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from akidlab.errors import DataError
from akidlab.metrics import histogram


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64])
@pytest.mark.parametrize("range", [None, (-1.0, 0.5)])
def test_counts_and_edges_are_those_of_numpy(
    dtype: torch.dtype, range: tuple[float, float] | None, device: str
):
    generator = torch.Generator().manual_seed(0)
    tensor = (torch.randn(40, 30, generator=generator) * 3).to(device, dtype)

    counts, edges = histogram(tensor, bins=37, range=range)

    wanted, their_edges = np.histogram(tensor.cpu().double().numpy(), 37, range)
    np.testing.assert_allclose(edges.cpu().numpy(), their_edges, rtol=1e-5, atol=1e-6)
    assert np.abs(counts.cpu().numpy() - wanted).sum() <= (0 if dtype == torch.float64 else 4)
    assert counts.sum() == wanted.sum()


@pytest.mark.parametrize(
    "tensor", [torch.zeros(5), torch.tensor(2.0), torch.zeros(0), torch.full((3,), -7.5)]
)
def test_constants_single_elements_and_none_at_all_are_as_in_numpy(tensor: torch.Tensor):
    counts, edges = histogram(tensor, bins=4)

    wanted, their_edges = np.histogram(tensor.numpy(), 4)
    assert counts.tolist() == wanted.tolist()
    np.testing.assert_allclose(edges.numpy(), their_edges)


@pytest.mark.parametrize("scale", [1e-38, 1e37])
def test_numbers_at_the_ends_of_single_precision_are_counted_as_others(scale: float):
    counts, _ = histogram(torch.tensor([0.0, 1.0, 1.5, 4.0]) * scale, bins=2)

    assert counts.tolist() == [3, 1]


def test_what_is_not_finite_is_left_out():
    counts, edges = histogram(torch.tensor([0.0, 1.0, 2.0, torch.nan, torch.inf, -torch.inf]), bins=2)

    assert counts.tolist() == [1, 2]
    assert edges.tolist() == [0, 1, 2]


def test_counts_are_exact_where_single_precision_is_not():
    counts, _ = histogram(torch.zeros(1 << 24, dtype=torch.bfloat16).repeat(1), bins=3)

    assert counts.tolist() == [0, 1 << 24, 0]


def test_a_histogram_without_bins_or_with_a_range_upside_down_is_refused():
    with pytest.raises(DataError, match="has 1 bin or more, found bins=0"):
        histogram(torch.zeros(2), bins=0)
    with pytest.raises(DataError, match=r"from the lower to the higher end, found \(1, 0\)"):
        histogram(torch.zeros(2), range=(1, 0))
