"""The percentiles of a tensor: those of NumPy where all is looked at, near them where a sample is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays
from torch import Tensor

from akidlab.errors import DataError
from akidlab.messages import PERCENTS
from akidlab.metrics.percentiles import percentiles, rank_error
from akidlab.metrics.sampling import sample_size, sampled
from akidlab.models.brains import LeNet

CPU = torch.device("cpu")
FLOATS = some.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False)


def like_numpy(tensor: Tensor) -> Tensor:
    return torch.from_numpy(np.percentile(tensor.double().numpy(), PERCENTS)).float()


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, some.integers(1, 40), elements=FLOATS))
def test_few_numbers_have_the_percentiles_that_numpy_finds(numbers: np.ndarray) -> None:
    found = percentiles(torch.from_numpy(numbers.copy()))

    torch.testing.assert_close(found, like_numpy(torch.from_numpy(numbers)), rtol=1e-5, atol=1e24)


@pytest.mark.parametrize("count", [8193, 50_000, 200_001])
@pytest.mark.parametrize("make", [normal, torch.zeros, lambda n: torch.arange(n).sin().round()])
def test_exact_ones_are_those_of_numpy_however_many_there_are(count, make) -> None:
    tensor = make(count)

    torch.testing.assert_close(percentiles(tensor, exact=True), like_numpy(tensor), rtol=1e-6, atol=1e-7)


def test_a_tensor_is_left_as_it_was() -> None:
    tensor = normal(3, 4)
    before = tensor.clone()

    percentiles(tensor)

    assert torch.equal(tensor, before)


@pytest.mark.parametrize(
    "tensor",
    [
        normal(4, 3, 5, 6).to(memory_format=torch.channels_last),
        normal(30, 40).T,
        normal(30, 40)[::3, 1:7],
        normal(5, 1).expand(5, 8),
        normal(60).bfloat16(),
        normal(60).double(),
        torch.arange(60),
        torch.tensor([True, False, True]),
        normal(6, 7).requires_grad_(),
    ],
    ids=["channels last", "transposed", "slice", "expanded", "bfloat16", "double", "int", "bool", "grad"],
)
def test_any_strided_tensor_has_percentiles(tensor: Tensor) -> None:
    torch.testing.assert_close(percentiles(tensor), like_numpy(tensor.detach()), rtol=1e-6, atol=1e-7)


def test_of_a_sparse_tensor_the_values_that_are_there_count() -> None:
    sparse = torch.sparse_coo_tensor(
        torch.tensor([[0, 5, 5]]), torch.tensor([1.0, 2.0, 1.0]), (9,), check_invariants=True
    )

    assert percentiles(sparse)[[0, 8]].tolist() == [1.0, 3.0]


def test_complex_numbers_count_by_their_size() -> None:
    assert percentiles(torch.tensor([3 + 4j, 0j])).tolist()[8] == 5.0


def test_the_ends_of_a_sampled_tensor_are_exact() -> None:
    tensor = normal(100_000)
    tensor[77_777], tensor[3] = 50, -60

    assert percentiles(tensor)[[0, 8]].tolist() == [-60, 50]


def test_the_same_tensor_has_the_same_sampled_percentiles() -> None:
    torch.manual_seed(1)
    once = percentiles(normal(100_000))
    torch.manual_seed(2)
    np.random.seed(3)

    assert torch.equal(percentiles(normal(100_000)), once)


def test_looking_draws_no_numbers_that_training_would_have_drawn() -> None:
    sampled.cache_clear()
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    percentiles(normal(100_000))

    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("at", [0, 5, 99_999])
def test_one_nan_makes_all_nine_nan(at: int) -> None:
    tensor = normal(100_000)
    for sign in (1, -1):
        tensor[at] = torch.tensor(float("nan")).copysign(torch.tensor(float(sign)))

        assert percentiles(tensor).isnan().all()
        assert percentiles(tensor, exact=True).isnan().all()


def test_infinities_are_kept() -> None:
    found = percentiles(torch.tensor([float("-inf"), 1.0, 2.0, float("inf")]))

    assert found[[0, 8]].tolist() == [float("-inf"), float("inf")]
    assert not found.isnan().any()


def test_an_empty_tensor_is_refused() -> None:
    with pytest.raises(DataError, match=r"shape \(0, 3\) has no percentiles: give it elements first"):
        percentiles(torch.zeros(0, 3))


@pytest.mark.parametrize("count", [8193, 25_088, 51_200, 1_605_632])
def test_a_sample_is_drawn_without_repeating_from_everywhere(count: int) -> None:
    places = sampled(count, 8192, CPU)

    assert len(places) == sample_size(count, 8192) == len(places.unique())
    assert 0 <= places.min() < 0.01 * count
    assert 0.99 * count < places.max() < count


def worst_rank(tensor: Tensor, elements: int) -> float:
    """How far the true rank of a sampled percentile is from the rank that it should have."""
    ordered, found = tensor.flatten().sort().values, percentiles(tensor, elements=elements)[1:8]
    shares = torch.tensor(PERCENTS[1:8]) / 100
    lowest = torch.searchsorted(ordered, found) / len(ordered)
    highest = torch.searchsorted(ordered, found, right=True) / len(ordered)
    return float(torch.maximum(lowest - shares, shares - highest).clamp_min(0).max())


@pytest.fixture(scope="module")
def trained() -> dict[str, Tensor]:
    """The tensors of a LeNet after some steps: weights, gradients and outputs of many values."""
    images, labels = normal(32, 1, 28, 28).abs(), torch.arange(32) % 10
    brain, seen = LeNet(), {}
    brain.setup([images, labels], seed=0)
    optimizer = torch.optim.SGD(brain.parameters(), 0.01, 0.9)
    for _ in range(8):
        optimizer.zero_grad()
        brain.objective([images, labels]).backward()
        optimizer.step()
    for name, weight in brain.named_parameters():
        seen |= {f"weight {name}": weight.detach(), f"gradient {name}": weight.grad}
    for name, block in brain.named_children():
        block.register_forward_hook(lambda _m, _i, out, name=name: seen.update({f"activation {name}": out}))
    brain.objective([images, labels])
    return seen


@pytest.mark.parametrize("elements", [512, 2048, 8192])
def test_the_stated_error_holds_on_a_trained_net(trained: dict[str, Tensor], elements: int) -> None:
    large = {name: tensor for name, tensor in trained.items() if tensor.numel() > elements}
    off = {name: worst_rank(tensor, elements) for name, tensor in large.items()}

    assert len([name for name in large if name.startswith("activation")]) >= 4
    assert len([name for name in large if name.startswith(("weight", "gradient"))]) >= 3
    assert {name: error for name, error in off.items() if error > rank_error(elements)} == {}


def test_the_stated_error_holds_as_often_as_it_says() -> None:
    off = [worst_rank(normal(20_000, seed=seed), 256) for seed in range(300)]

    assert np.mean(np.array(off) > rank_error(256)) <= 0.01
    assert max(off) > rank_error(256) / 3  # a bound that says something
