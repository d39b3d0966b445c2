"""The order of the samples in an epoch."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from akidlab.sensors.order import order, share

SEEDS, EPOCHS = st.integers(0, 2**63), st.integers(0, 10_000)


@given(st.integers(1, 300), SEEDS, EPOCHS)
def test_every_sample_comes_once(length: int, seed: int, epoch: int):
    assert order(length, seed, epoch).sort().values.equal(torch.arange(length))


@given(SEEDS, EPOCHS)
def test_seed_and_epoch_alone_decide(seed: int, epoch: int):
    torch.manual_seed(epoch)

    assert order(50, seed, epoch).equal(order(50, seed, epoch))


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()

    order(50, 0, 0)

    assert torch.get_rng_state().equal(before)


def test_neighbouring_seeds_and_epochs_have_nothing_in_common():
    orders = {tuple(order(20, seed, epoch).tolist()) for seed in range(20) for epoch in range(20)}

    assert len(orders) == 400


def test_an_order_never_changes_from_one_version_to_the_next():
    assert order(8, seed=0, epoch=0).tolist() == [3, 2, 5, 1, 7, 4, 6, 0]


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 20))
def test_shares_cover_all_and_differ_by_one_at_most(first: int, length: int, size: int):
    shares = [share(first, first + length, rank, size) for rank in range(size)]
    lengths = [last - start for start, last in shares]

    assert [i for start, last in shares for i in range(start, last)] == list(range(first, first + length))
    assert max(lengths) - min(lengths) <= 1
