"""How well answers fit the truth, against scikit-learn."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from sklearn.metrics import average_precision_score, roc_auc_score

from akidlab.nn import average_precision, binary_accuracy, roc_auc

SCORED = some.lists(some.tuples(some.integers(0, 5), some.booleans()), min_size=2, max_size=30)


@given(SCORED)
def test_auc_and_average_precision_are_those_of_scikit_learn_ties_included(scored):
    score = torch.tensor([float(s) for s, _ in scored])
    label = torch.tensor([int(is_positive) for _, is_positive in scored])

    if label.any():
        assert average_precision(score, label).item() == pytest.approx(average_precision_score(label, score))
    if 0 < label.sum() < len(label):
        assert roc_auc(score, label).item() == pytest.approx(roc_auc_score(label, score))


def test_classes_are_judged_side_by_side():
    score, label = torch.rand(20, 3), torch.randint(0, 2, (20, 3))

    for judge in (roc_auc, average_precision):
        assert torch.equal(
            judge(score, label), torch.stack([judge(score[:, i], label[:, i]) for i in range(3)])
        )


def test_what_is_not_defined_is_not_a_number():
    assert roc_auc(torch.rand(3), torch.ones(3)).isnan()
    assert average_precision(torch.rand(3), torch.zeros(3)).isnan()


def test_binary_accuracy_knows_both_kinds_of_labels():
    assert binary_accuracy(torch.tensor([0.4, 0.6]), torch.tensor([1, 1])) == 0.5
    assert binary_accuracy(torch.tensor([0.4, -0.6]), torch.tensor([1, -1]), hinge_loss_label=True) == 1
