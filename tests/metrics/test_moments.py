"""Means, variances, sums, norms and ratios against NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from akidlab import metrics
from akidlab.errors import DataError

AGAINST: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[np.ndarray], float]]] = {
    "mean": (metrics.mean, np.mean),
    "variance": (metrics.variance, lambda x: np.var(x, ddof=1)),
    "sum": (metrics.sum, np.sum),
    "norm1": (lambda x: metrics.norm(x, 1), lambda x: np.linalg.norm(x.ravel(), 1)),
    "norm2": (metrics.norm, lambda x: np.linalg.norm(x.ravel())),
    "norm3": (lambda x: metrics.norm(x, 3), lambda x: np.linalg.norm(x.ravel(), 3)),
    "norminf": (lambda x: metrics.norm(x, math.inf), lambda x: np.linalg.norm(x.ravel(), np.inf)),
    "norm0": (lambda x: metrics.norm(x, 0), lambda x: np.linalg.norm(x.ravel(), 0)),
    "sparsity": (metrics.sparsity, lambda x: np.mean(x == 0)),
}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(*shape, generator=generator) * 2 + 0.5).relu()


@pytest.mark.parametrize("name", AGAINST)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64])
def test_it_is_what_numpy_computes(name: str, dtype: torch.dtype, device: str):
    ours, theirs = AGAINST[name]
    tensor = drawn(7, 5, 3, 3).to(device, dtype).requires_grad_(dtype.is_floating_point)

    found = ours(tensor)

    assert (found.shape, found.requires_grad, found.device.type) == ((), False, device)
    assert float(found) == pytest.approx(float(theirs(tensor.detach().cpu().double().numpy())), rel=1e-4)


@pytest.mark.parametrize(
    ("name", "zero", "single", "empty"),
    [
        ("mean", 0.0, 3.0, math.nan),
        ("variance", 0.0, math.nan, math.nan),
        ("sum", 0.0, 3.0, 0.0),
        ("norm1", 0.0, 3.0, 0.0),
        ("norm2", 0.0, 3.0, 0.0),
        ("norminf", 0.0, 3.0, 0.0),
        ("sparsity", 1.0, 0.0, math.nan),
    ],
)
def test_zeros_single_elements_and_none_at_all(name: str, zero: float, single: float, empty: float):
    ours, _ = AGAINST[name]

    found = [float(ours(tensor)) for tensor in (torch.zeros(4, 2), torch.tensor(3.0), torch.zeros(0))]

    assert found == pytest.approx([zero, single, empty], nan_ok=True)


def test_half_precision_does_not_overflow():
    tensor = torch.full((1000,), 60000.0, dtype=torch.float16)

    assert float(metrics.sum(tensor)) == pytest.approx(6e7, rel=1e-3)
    assert float(metrics.norm(tensor)) == pytest.approx(60000 * 1000**0.5, rel=1e-3)


def test_a_sparse_gradient_counts_with_its_zeros():
    table = torch.nn.Embedding(10, 4, sparse=True)
    table(torch.tensor([1, 1, 7])).sum().backward()
    assert table.weight.grad is not None

    assert float(metrics.mean(table.weight.grad)) == pytest.approx(12 / 40)
    assert float(metrics.sparsity(table.weight.grad)) == pytest.approx(0.8)


def test_complex_numbers_are_refused():
    with pytest.raises(DataError, match=r"real numbers, found torch\.complex64\. Take `abs\(\)`"):
        metrics.mean(torch.zeros(2, dtype=torch.complex64))


def test_what_is_near_zero_may_count_as_zero():
    assert float(metrics.sparsity(torch.tensor([0.0, -0.01, 0.02, 1.0]), threshold=0.02)) == 0.75


def test_a_ratio_is_that_of_two_norms_and_not_defined_where_the_second_is_zero(device: str):
    a, b = drawn(6, 4).to(device), drawn(5, seed=1).to(device)

    found = metrics.ratio(a, b)

    assert float(found) == pytest.approx(np.linalg.norm(a.cpu().numpy()) / np.linalg.norm(b.cpu().numpy()))
    assert math.isnan(metrics.ratio(a, torch.zeros(3, device=device)))
    assert float(metrics.ratio(torch.zeros(3, device=device), b)) == 0
