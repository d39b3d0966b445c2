"""CKA and SVCCA against their dense definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from akidlab.errors import DataError
from akidlab.metrics import cca, cka, svcca


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pair(n: int = 60, a: int = 5, b: int = 7) -> tuple[torch.Tensor, torch.Tensor]:
    """Two layers that share some of what they represent."""
    x, noise = drawn(n, a), drawn(n, b, seed=1)
    return x, x @ drawn(a, b, seed=2) + 2 * noise


def dense_cka(x: np.ndarray, y: np.ndarray) -> float:
    """By HSIC of the two Gram matrices."""
    n = len(x)
    centre = np.eye(n) - 1 / n
    k, m = centre @ (x @ x.T) @ centre, centre @ (y @ y.T) @ centre
    return np.sum(k * m) / math.sqrt(np.sum(k * k) * np.sum(m * m))


def dense_cca(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """By the whitened covariance."""
    x, y = x - x.mean(0), y - y.mean(0)

    def whitened(c: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(c)
        return vectors @ np.diag(values**-0.5) @ vectors.T

    return np.linalg.svd(whitened(x.T @ x) @ (x.T @ y) @ whitened(y.T @ y), compute_uv=False)


def main_directions(x: np.ndarray, share: float) -> np.ndarray:
    u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    kept = int(np.searchsorted(np.cumsum(s**2) / np.sum(s**2), share)) + 1
    return u[:, :kept] * s[:kept]


@pytest.mark.parametrize("size", [(60, 5, 7), (6, 5, 7), (4, 9, 3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cka_is_that_of_the_dense_grams(size: tuple[int, int, int], dtype: torch.dtype, device: str):
    x, y = (part.to(device, dtype) for part in pair(*size))

    assert float(cka(x, y)) == pytest.approx(dense_cka(x.cpu().numpy(), y.cpu().numpy()), rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cca_is_that_of_the_whitened_covariance(dtype: torch.dtype, device: str):
    x, y = (part.to(device, dtype) for part in pair())

    found = cca(x, y).cpu().numpy()

    np.testing.assert_allclose(
        found, dense_cca(x.cpu().double().numpy(), y.cpu().double().numpy()), rtol=1e-4
    )


@pytest.mark.parametrize("threshold", [0.5, 0.9, 0.99])
def test_svcca_is_the_mean_cca_of_the_main_directions(threshold: float, device: str):
    x, y = pair(a=8, b=6)

    found = float(svcca(x.to(device), y.to(device), threshold))

    kept = main_directions(x.numpy(), threshold), main_directions(y.numpy(), threshold)
    assert found == pytest.approx(float(dense_cca(*kept).mean()), rel=1e-5)


def test_a_rotated_and_scaled_layer_is_the_same_and_noise_is_not():
    x = drawn(500, 6)
    rotated = 1e-3 * x @ torch.linalg.qr(drawn(6, 6, seed=1)).Q + 100

    assert float(cka(x, rotated)) == pytest.approx(1)
    assert float(svcca(x, rotated)) == pytest.approx(1)
    assert float(cka(x, drawn(500, 6, seed=3))) < 0.1
    assert float(svcca(x, drawn(500, 6, seed=3))) < 0.2


def test_directions_that_are_only_rounding_do_not_count():
    x = drawn(80, 3).float()
    twice = torch.cat([x, x * 3 + 1], dim=1)

    assert cca(twice, drawn(80, 4, seed=1)).shape == (3,)


@pytest.mark.parametrize("measure", [cka, svcca])
@pytest.mark.parametrize(
    "constant", [torch.zeros(50, 3), torch.full((50, 3), 0.1), torch.zeros(50, 3).bfloat16()]
)
def test_a_constant_layer_is_like_nothing(measure, constant: torch.Tensor):
    assert math.isnan(measure(constant, drawn(50, 4)))


@pytest.mark.parametrize("measure", [cka, svcca])
def test_positions_of_images_are_samples(measure):
    x, y = drawn(4, 3, 5, 5), drawn(4, 6, 5, 5, seed=1)

    found = measure(x, y)

    flat = measure(x.movedim(1, -1).reshape(-1, 3), y.movedim(1, -1).reshape(-1, 6))
    assert float(found) == pytest.approx(float(flat))


def test_layers_of_other_samples_single_samples_and_shares_above_1_are_refused():
    with pytest.raises(DataError, match="found 3 and 4 samples"):
        cka(torch.zeros(3, 2), torch.zeros(4, 2))
    with pytest.raises(DataError, match="same 2 samples or more, found 1 and 1"):
        svcca(torch.zeros(1, 2), torch.zeros(1, 2))
    with pytest.raises(DataError, match="have a batch and units: 2 dimensions or more, found 1"):
        cka(torch.zeros(3), torch.zeros(3))
    with pytest.raises(DataError, match="above 0 up to 1, found 98"):
        svcca(torch.zeros(3, 2), torch.zeros(3, 2), threshold=98)
