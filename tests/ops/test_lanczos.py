"""Lanczos against dense eigenvalues."""

from __future__ import annotations

import pytest
import torch

from akidlab.errors import DataError
from akidlab.ops import (
    center_unit_eig_denormalization,
    center_unit_eig_normalization,
    drive,
    lanczos_spectrum_approx,
    lanczos_spectrum_approx_cr,
    lanczos_tridiagonalization_fast,
    lanczos_tridiagonalization_fast_cr,
    lanczos_tridiagonalization_slow,
    matrix_ops,
)


def symmetric(n: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(n, n, generator=generator, dtype=torch.float64)
    return ((a + a.T) / 2).to(dtype)


def spread(values: torch.Tensor) -> torch.Tensor:
    """A matrix that has these eigenvalues."""
    basis = torch.linalg.qr(symmetric(len(values), seed=1)).Q.to(values)
    return basis @ torch.diag(values) @ basis.T


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(99)  # not a seed of `symmetric`: a first vector out of the matrix is no random one


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_slow_lanczos_finds_all_eigenvalues_of_any_floating_type(dtype: torch.dtype):
    H = symmetric(30, dtype)

    values, vectors = lanczos_tridiagonalization_slow(H)

    assert values.dtype == vectors.dtype == dtype
    torch.testing.assert_close(values, torch.linalg.eigvalsh(H), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(vectors.T @ vectors, torch.eye(30, dtype=dtype), atol=1e-5, rtol=0)


def test_slow_lanczos_finds_multiple_eigenvalues_as_often_as_they_are_there():
    wanted = torch.tensor([-2.0, 1.0, 1.0, 1.0, 4.0, 4.0], dtype=torch.float64)

    values, _ = lanczos_tridiagonalization_slow(spread(wanted))

    torch.testing.assert_close(values, wanted)


def test_fast_lanczos_finds_the_outer_eigenvalues_within_the_bound_that_beta_gives():
    H = symmetric(200)
    dense = torch.linalg.eigvalsh(H)

    values, vectors, beta = lanczos_tridiagonalization_fast(H, None, 60, return_beta_k=True)
    errors = (beta * vectors[-1]).abs()

    for at in (0, -1):
        assert abs(values[at] - dense[at]) <= errors[at] + 1e-12
        assert errors[at] < 1e-3


def test_fast_lanczos_stops_where_the_vectors_stay_in_a_subspace():
    H = torch.diag(torch.tensor([1.0, 2.0, 3.0, 4.0]))

    values, _, beta = lanczos_tridiagonalization_fast(H, torch.tensor([1.0, 0, 0, 1]), 4, True)

    torch.testing.assert_close(values, torch.tensor([1.0, 4.0]))
    assert beta == 0


def test_a_few_large_eigenvalues_do_not_hide_a_narrow_bulk():
    bulk = torch.linspace(-0.01, 0.01, 1000)
    H = torch.diag(torch.cat([bulk, torch.tensor([50.0, 100.0])]))

    values, vectors = lanczos_tridiagonalization_fast(H, None, 20)

    weights = vectors[0].square()
    assert len(values) == 20
    assert float(weights[values < 1].sum()) == pytest.approx(1, abs=0.02)
    assert float(values[0]) == pytest.approx(-0.01, abs=0.001)


def test_the_coroutine_is_the_same_without_the_matrix():
    H, q = symmetric(20), torch.ones(20, dtype=torch.float64)

    asking = lanczos_tridiagonalization_fast_cr(20, 8, q)
    found = drive(asking, lambda v: H @ v)

    torch.testing.assert_close(found, lanczos_tridiagonalization_fast(H, q, 8))


def test_normalisation_brings_all_eigenvalues_to_the_unit_interval_and_back():
    H = spread(torch.linspace(3, 90, 40, dtype=torch.float64))

    Hn, c, d = center_unit_eig_normalization(H, 25, kappa=0.05)
    values = torch.linalg.eigvalsh(Hn)

    assert -1 <= values[0] < -0.85
    assert 0.85 < values[-1] <= 1
    torch.testing.assert_close(center_unit_eig_denormalization(Hn, c, d), H)


def test_a_multiple_of_the_identity_can_be_normalised():
    Hn, c, _ = center_unit_eig_normalization(3 * torch.eye(5), 5, 0.05)

    assert c == pytest.approx(3)
    torch.testing.assert_close(Hn, torch.zeros(5, 5), atol=1e-6, rtol=0)


def test_the_density_is_that_of_the_dense_eigenvalues_and_integrates_to_one():
    values = torch.cat([torch.full((150,), -0.4), torch.full((50,), 0.6)]).double()
    points = torch.linspace(-1, 1, 401, dtype=torch.float64)

    density = lanczos_spectrum_approx(spread(values), iter_num=32, K=401, n_vec=20)
    left = torch.trapezoid(density[points < 0.1], points[points < 0.1])

    assert float(torch.trapezoid(density, points)) == pytest.approx(1, abs=1e-6)
    assert float(left) == pytest.approx(0.75, abs=0.05)
    assert points[density.argmax()] == pytest.approx(-0.4, abs=0.01)


def test_a_broad_spectrum_has_the_density_of_wigners_semicircle():
    H = symmetric(400)
    points = torch.linspace(-1, 1, 201, dtype=torch.float64)

    density = lanczos_spectrum_approx(H / torch.linalg.eigvalsh(H).abs().max(), iter_num=24, K=201, n_vec=30)

    wanted = 2 / torch.pi * (1 - points.square()).sqrt()
    assert float((density - wanted).abs()[20:-20].max()) < 0.08


def test_the_density_of_a_stream_is_seeded_by_its_generator():
    H = symmetric(30, torch.float32) / 20

    def look() -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        return drive(lanczos_spectrum_approx_cr(30, 10, 50, 2, generator=generator), lambda v: H @ v)

    assert look().equal(look())


def test_numbers_that_make_no_sense_are_told():
    H = torch.eye(3)

    with pytest.raises(DataError, match=r"`K` is a number of steps from 1 to the 3 rows .* found 4"):
        lanczos_tridiagonalization_slow(H, K=4)
    with pytest.raises(DataError, match=r"`q` is a vector of 3 numbers that are not all 0, found \(3,\)"):
        lanczos_tridiagonalization_fast(H, torch.zeros(3), 2)
    with pytest.raises(DataError, match=r"square matrix of floating numbers, found \(3, 2\)"):
        lanczos_tridiagonalization_slow(torch.ones(3, 2))
    with pytest.raises(DataError, match=r"`n_vec` is 1 or more.*found 0, 9 and 3"):
        lanczos_spectrum_approx(H, 3, 9, 0)
    with pytest.raises(DataError, match=r"The product has \(2,\) numbers, the vector \(3,\)"):
        drive(lanczos_tridiagonalization_fast_cr(3, 2), lambda v: v[:2])


def test_akids_module_has_akids_names():
    assert matrix_ops.lanczos_spectrum_approx is lanczos_spectrum_approx
