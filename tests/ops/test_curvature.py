"""The spectrum of a brain's Hessian against the dense one."""

from __future__ import annotations

import pytest
import torch

from akidlab import Brain, DropoutLayer, InnerProductLayer, MergeLayer, SoftmaxWithLossLayer
from akidlab.blocks import BatchNormalizationLayer
from akidlab.errors import BlockError, DataError
from akidlab.ops import hessian, hessian_spectrum
from akidlab.ops.curvature import hessian_of


def brain_and_batches() -> tuple[Brain, list[list[torch.Tensor]]]:
    """A small brain in double precision, on batches of unequal size."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20, 6, generator=generator, dtype=torch.float64)
    y = torch.randint(0, 3, (20,), generator=generator)
    brain = Brain(name="small").attach(
        InnerProductLayer(out_channel_num=4, name="ip1", wd={"type": "l2", "scale": 0.1}),
        BatchNormalizationLayer(name="bn"),
        DropoutLayer(name="drop"),
        InnerProductLayer(out_channel_num=3, name="ip2"),
        SoftmaxWithLossLayer(inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}]),
    )
    brain.setup([x, y], seed=0)
    return brain, [[x[:12], y[:12]], [x[12:], y[12:]]]


def dense(brain: Brain, batches: list[list[torch.Tensor]]) -> torch.Tensor:
    brain.eval()
    whole = [torch.cat(parts) for parts in zip(*batches, strict=True)]
    return hessian(brain.objective(whole), list(brain.parameters()))


def test_the_product_over_unequal_batches_is_that_of_the_whole_hessian():
    brain, batches = brain_and_batches()
    H = dense(brain, batches)
    v = torch.arange(len(H), dtype=torch.float64)

    product = hessian_of(brain.objective, list(brain.parameters()), batches)

    torch.testing.assert_close(product(v), H @ v)


def test_the_spectrum_spans_the_dense_eigenvalues_and_has_their_mean():
    brain, batches = brain_and_batches()
    eigenvalues = torch.linalg.eigvalsh(dense(brain, batches))

    found = hessian_spectrum(brain, batches, iter_num=40, n_vec=30, K=400, kappa=0.1)

    assert found.size == len(eigenvalues)
    assert found.low == pytest.approx(float(eigenvalues[0]), abs=1e-6)
    assert found.high == pytest.approx(float(eigenvalues[-1]), abs=1e-6)
    assert float(torch.trapezoid(found.density, found.points)) == pytest.approx(1, abs=0.01)
    mean = float(torch.trapezoid(found.density * found.points, found.points))
    assert mean == pytest.approx(float(eigenvalues.mean()), abs=0.05 * found.high)


def test_a_look_at_the_curvature_leaves_the_brain_as_it_was():
    brain, batches = brain_and_batches()
    brain.train()
    brain["drop"].eval()
    before = {name: tensor.clone() for name, tensor in brain.state_dict().items()}
    modes, random = [m.training for m in brain.modules()], torch.get_rng_state()

    some, other = (hessian_spectrum(brain, batches, iter_num=8, K=50) for _ in range(2))

    assert some.density.equal(other.density)
    assert [m.training for m in brain.modules()] == modes
    assert all(tensor.equal(before[name]) for name, tensor in brain.state_dict().items())
    assert all(p.grad is None for p in brain.parameters())
    assert torch.get_rng_state().equal(random)


def test_a_brain_with_a_feedback_has_one_hessian_whatever_it_saw_before():
    brain = Brain(name="recurrent").attach(
        MergeLayer(name="sum", inputs=[{"name": "system_in", "idxs": [0]}, {"name": "state", "delay": 1}]),
        InnerProductLayer(out_channel_num=6, name="state"),
        SoftmaxWithLossLayer(inputs=[{"name": "state"}, {"name": "system_in", "idxs": [1]}]),
    )
    _, batches = brain_and_batches()
    equal = [[part[:8] for part in batch] for batch in batches]
    brain.setup(equal[0], seed=0)

    some = hessian_spectrum(brain, equal, iter_num=12, K=50)
    brain.objective(equal[1])
    other = hessian_spectrum(brain, equal, iter_num=12, K=50)

    assert some.density.equal(other.density)


def test_a_spectrum_may_be_of_some_parameters_and_shows_itself():
    brain, batches = brain_and_batches()
    chosen = brain.get_filters(["ip2"])

    found = hessian_spectrum(brain, batches, iter_num=15, parameters=chosen)

    assert repr(found).startswith("Spectrum(15 eigenvalues from ")


def test_what_is_missing_for_a_spectrum_is_told():
    brain, batches = brain_and_batches()

    with pytest.raises(DataError, match="There are no batches"):
        hessian_spectrum(brain, [])
    with pytest.raises(BlockError, match="`empty` has no parameters to differentiate by"):
        hessian_spectrum(Brain(name="empty"), batches)
