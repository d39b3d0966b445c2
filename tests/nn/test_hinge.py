"""Hinge losses, against their formulas."""

from __future__ import annotations

import pytest
import torch

from akidlab.errors import UnknownNameError
from akidlab.nn import hinge_loss, hinge_ranking_loss, regularization, tripod_hinge_loss

SCORE, SIDE = torch.tensor([2.0, 0.5, -0.5, -3.0]), torch.tensor([1, 1, 1, -1])


def test_the_hinge_loss_is_that_of_torch():
    expected = torch.nn.functional.margin_ranking_loss(SCORE, torch.zeros(4), SIDE.float(), margin=1.0)

    assert torch.equal(hinge_loss(SCORE, SIDE), expected)


def test_weights_count_in_the_hinge_losses():
    weights = torch.tensor([0.0, 2.0, 0.0, 0.0])

    assert hinge_loss(SCORE, SIDE, weights) == 0.25
    assert tripod_hinge_loss(SCORE, SIDE, weights) == 0.25


def test_a_label_of_zero_asks_for_a_score_of_zero():
    label = torch.tensor([0, 1, 0, -1])

    assert tripod_hinge_loss(SCORE, label) == pytest.approx((2.0 + 0.5 + 0.5 + 0.0) / 4)
    assert tripod_hinge_loss(SCORE, label, signal_balancing=True) == pytest.approx((1.25 + 0.25) / 2)


def test_signals_of_one_kind_balance_without_the_other():
    assert tripod_hinge_loss(SCORE, SIDE, signal_balancing=True) == hinge_loss(SCORE, SIDE)


def test_hard_samples_alone_count_and_none_of_them_is_no_loss():
    higher, lower = torch.tensor([3.0, 1.0]), torch.tensor([0.0, 0.5])

    assert hinge_ranking_loss(higher, lower) == 0.25
    assert hinge_ranking_loss(higher, lower, hard_sample_mining=True) == 0.5
    assert hinge_ranking_loss(higher + 9, lower, hard_sample_mining=True) == 0


def test_a_regulariser_that_is_not_known_is_named():
    with pytest.raises(UnknownNameError, match="Known: l1, l2"):
        regularization("l3", torch.ones(2))
