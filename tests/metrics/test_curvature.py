"""The largest eigenvalues of a Hessian against the dense one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from akidlab.errors import DataError
from akidlab.metrics import hessian_eigenvalues
from akidlab.ops import hessian


def stranger() -> tuple[nn.Module, list[list[torch.Tensor]]]:
    """A net that is not ours, and batches of unequal size."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    x, y = torch.randn(20, 6, dtype=torch.float64), torch.randint(0, 3, (20,))
    return net, [[x[:12], y[:12]], [x[12:], y[12:]]]


def objective(net: nn.Module):
    return lambda batch: nn.functional.cross_entropy(net(batch[0]), batch[1])


@pytest.mark.parametrize("count", [1, 3, 60])
def test_they_are_those_of_the_dense_hessian(count: int):
    net, batches = stranger()
    whole = [torch.cat(parts) for parts in zip(*batches, strict=True)]
    dense = torch.linalg.eigvalsh(hessian(objective(net)(whole), list(net.parameters()))).flip(0)

    found = hessian_eigenvalues(objective(net), net.parameters(), batches, count=count, tolerance=1e-6)

    torch.testing.assert_close(found, dense[:count], rtol=1e-5, atol=1e-8)


def test_the_stated_tolerance_is_kept(device: str):
    net, batches = stranger()
    net, batches = net.to(device), [[part.to(device) for part in batch] for batch in batches]
    exact = hessian_eigenvalues(objective(net), net.parameters(), batches, count=4, tolerance=0)

    found = hessian_eigenvalues(objective(net), net.parameters(), batches, count=4, tolerance=1e-2)

    assert float((found - exact).abs().amax()) <= 1e-2 * float(exact[0])


def test_a_loss_without_curvature_has_eigenvalues_of_zero():
    line = nn.Linear(3, 1)

    found = hessian_eigenvalues(lambda batch: line(batch[0]).mean(), line.parameters(), [[torch.ones(2, 3)]])

    assert float(found) == 0


def test_a_net_in_half_precision_has_nearly_the_same():
    net, batches = stranger()
    exact = hessian_eigenvalues(objective(net), net.parameters(), batches)

    net, batches = net.bfloat16(), [[x.bfloat16(), y] for x, y in batches]
    half = hessian_eigenvalues(objective(net), net.parameters(), batches)

    assert half.dtype == torch.float32
    assert float(half) == pytest.approx(float(exact), rel=0.05)


def test_gradients_weights_and_the_random_numbers_of_training_stay():
    net, batches = stranger()
    before, state = torch.get_rng_state(), [p.clone() for p in net.parameters()]

    hessian_eigenvalues(objective(net), net.parameters(), batches)

    assert torch.equal(torch.get_rng_state(), before)
    assert all(p.grad is None for p in net.parameters())
    assert all(torch.equal(p, was) for p, was in zip(net.parameters(), state, strict=True))


def test_without_batches_or_parameters_there_is_no_hessian():
    net, batches = stranger()

    with pytest.raises(DataError, match="found 0 batches, 4 parameters and count=1"):
        hessian_eigenvalues(objective(net), net.parameters(), [])
    with pytest.raises(DataError, match="found 2 batches, 0 parameters and count=1"):
        hessian_eigenvalues(objective(net), net.requires_grad_(False).parameters(), batches)
