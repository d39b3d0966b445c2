"""Spectral norms and condition numbers against dense singular values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from akidlab.metrics import condition_number, power_iteration, spectral_norm


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(6, 4), (4, 9), (1, 5), (5,), (8, 3, 5, 5), (7, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_both_are_as_numpy_computes_them(shape: tuple[int, ...], dtype: torch.dtype, device: str):
    weight = drawn(*shape).to(device, dtype).requires_grad_()
    matrix = weight.detach().cpu().double().numpy().reshape(shape[0] if len(shape) > 1 else 1, -1)

    assert float(spectral_norm(weight)) == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-5)
    assert float(condition_number(weight)) == pytest.approx(np.linalg.cond(matrix), rel=1e-4)


def test_a_singular_matrix_has_an_infinite_condition():
    assert float(condition_number(torch.diag(torch.tensor([1.0, 0.0])))) == math.inf
    assert float(condition_number(torch.zeros(3, 2))) == math.inf


@pytest.mark.parametrize("weight", [torch.zeros(3, 4), torch.zeros(0, 4), torch.zeros(())])
def test_what_is_zero_or_not_there_stretches_nothing(weight: torch.Tensor):
    assert float(spectral_norm(weight)) == 0


def test_a_number_is_a_matrix_of_one_element():
    assert float(spectral_norm(torch.tensor(-2.0))) == 2
    assert float(condition_number(torch.tensor(-2.0))) == 1
    assert math.isnan(condition_number(torch.zeros(0, 2)))


def test_power_iteration_never_exceeds_the_norm_and_comes_to_it(device: str):
    weight = drawn(30, 20).to(device)
    true, v, found = float(spectral_norm(weight)), None, []

    for _ in range(60):
        sigma, v = power_iteration(weight, v, steps=1)
        found.append(float(sigma))

    assert all(sigma <= true * (1 + 1e-6) for sigma in found)
    assert found[-1] == pytest.approx(true, rel=1e-4)


@pytest.mark.parametrize("scale", [1e-15, 1e15])
def test_power_iteration_neither_overflows_nor_vanishes(scale: float):
    sigma, _ = power_iteration(torch.diag(torch.tensor([1.0, 3.0])) * scale, steps=20)

    assert float(sigma) == pytest.approx(3 * scale, rel=1e-5)


def test_power_iteration_goes_on_after_weights_of_zero_and_from_a_vector_that_does_not_fit():
    zero, v = power_iteration(torch.zeros(3, 2))

    sigma, _ = power_iteration(torch.diag(torch.tensor([1.0, 3.0])), v, steps=20)
    other, _ = power_iteration(torch.eye(5), v)

    assert [float(zero), float(sigma), float(other)] == pytest.approx([0, 3, 1])


def test_power_iteration_leaves_the_random_numbers_of_training_alone():
    before = torch.get_rng_state()

    power_iteration(drawn(3, 3))

    assert torch.equal(torch.get_rng_state(), before)
