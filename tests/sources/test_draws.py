"""Random numbers that belong to a sample."""

from __future__ import annotations

import torch
from scipy import stats

from akidlab.sources.draws import draws


def test_a_sample_has_the_same_draws_in_any_batch():
    together = draws(3, 1, torch.arange(50), 4)

    assert draws(3, 1, torch.tensor([7, 31, 7]), 4).equal(together[[7, 31, 7]])


def test_seed_epoch_and_sample_each_give_others():
    rows = torch.arange(4)

    first = draws(0, 0, rows, 8)

    assert not first.eq(draws(1, 0, rows, 8)).any()
    assert not first.eq(draws(0, 1, rows, 8)).any()
    assert len(first.unique()) == 32


def test_epoch_one_of_seed_zero_is_not_epoch_zero_of_seed_one():
    assert not draws(0, 1, torch.arange(4), 8).eq(draws(1, 0, torch.arange(4), 8)).any()


def test_draws_are_uniform_and_do_not_hang_together():
    values = draws(0, 0, torch.arange(10_000), 3)

    assert 0 <= values.min() < values.max() < 1
    assert stats.kstest(values.flatten().numpy(), "uniform").pvalue > 0.01
    assert (values.T.corrcoef() - torch.eye(3)).abs().max() < 0.03
    assert abs(torch.stack((values[:-1, 0], values[1:, 0])).corrcoef()[0, 1]) < 0.03
