"""Second derivatives against torch's own."""

from __future__ import annotations

import pytest
import torch

from akidlab.errors import DataError
from akidlab.ops import grad, hessian, hessian_vector_product


def problem(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """A loss that mixes a matrix, a vector and a number that it does not use."""
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(3, 2, generator=generator, dtype=dtype).requires_grad_()
    b = torch.randn(2, generator=generator, dtype=dtype).requires_grad_()
    unused = torch.ones(1, dtype=dtype).requires_grad_()
    return torch.tanh(a @ b).square().sum() + a.pow(3).sum(), [a, b, unused]


def expected() -> torch.Tensor:
    """The Hessian that torch finds."""
    _, (a, b, _unused) = problem()

    def loss(flat: torch.Tensor) -> torch.Tensor:
        a, b = flat[:6].reshape(3, 2), flat[6:8]
        return torch.tanh(a @ b).square().sum() + a.pow(3).sum()

    flat = torch.cat([a.flatten(), b, torch.ones(1)]).detach()
    return torch.autograd.functional.hessian(loss, flat)  # type: ignore[return-value]


def test_the_gradient_can_be_differentiated_and_flattened():
    loss, x = problem()

    parts, flat = grad(loss, x[:2]), grad(loss, x, flatten=True, allow_unused=True)

    assert isinstance(flat, torch.Tensor)
    assert flat.requires_grad
    assert [part.shape for part in parts] == [(3, 2), (2,)]
    torch.testing.assert_close(flat, torch.cat([*(p.flatten() for p in parts), torch.zeros(1).double()]))


def test_the_hessian_is_torchs():
    torch.testing.assert_close(hessian(*problem()), expected())


def test_the_hessian_of_a_linear_loss_is_zero():
    x = torch.ones(2, requires_grad=True)

    assert hessian(3 * x.sum(), x).equal(torch.zeros(2, 2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_product_is_that_of_the_hessian_in_the_form_of_the_vector(dtype: torch.dtype):
    loss, x = problem(dtype)
    v = torch.arange(9, dtype=dtype)

    flat = hessian_vector_product(grad(loss, x, flatten=True, allow_unused=True), x, v, allow_unused=True)
    parts = hessian_vector_product(grad(loss, x[:2]), x[:2], [v[:6].reshape(3, 2), v[6:8]])

    torch.testing.assert_close(flat, (expected() @ v.double()).to(dtype))
    assert [part.shape for part in parts] == [(3, 2), (2,)]
    torch.testing.assert_close(torch.cat([p.flatten() for p in parts]), flat[:8])


def test_what_a_loss_does_not_depend_on_is_told_or_zero():
    loss, x = problem()

    with pytest.raises(DataError, match="does not depend on number 2 of 3 tensors"):
        grad(loss, x)
    with pytest.raises(DataError, match="does not depend on all of `x`"):
        hessian_vector_product(grad(loss, x, allow_unused=True), x, torch.ones(9))


def test_what_cannot_be_differentiated_says_why():
    x = torch.ones(2, requires_grad=True)

    with pytest.raises(DataError, match=r"A loss is a single number, found \(2,\)"):
        grad(2 * x, x)
    with pytest.raises(DataError, match=r"from tensors that require a gradient: call `x.requires_grad_"):
        grad(torch.ones(()), x)
    with pytest.raises(DataError, match=r"The gradient cannot be differentiated. Take it by"):
        hessian_vector_product(torch.ones(2), x, torch.ones(2))
    with pytest.raises(DataError, match="`v` holds 3 numbers, the gradient 2 and `x` 2"):
        hessian_vector_product(grad(x.square().sum(), x), x, torch.ones(3))
    with pytest.raises(DataError, match="nothing to differentiate by"):
        grad(x.sum(), [])
