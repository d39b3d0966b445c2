"""Evaluations: their formulas, and that they cost a brain nothing."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from akidlab import AUCLayer, BinaryAccuracy, Brain, EvalLayer, InnerProductLayer, MultiLabelAccuracy
from akidlab.errors import BlockError

ANSWER = torch.tensor([[0.9, 0.2], [0.4, 0.3], [0.6, 0.8], [0.1, 0.7]])
LABEL = torch.tensor([[1, 0], [0, 1], [1, 0], [0, 1]])


def test_the_area_under_the_curve_is_the_mean_over_classes():
    assert AUCLayer()(ANSWER, LABEL).item() == pytest.approx(roc_auc_score(LABEL, ANSWER, average="macro"))


def test_a_class_without_a_positive_sample_is_left_out():
    label = LABEL.clone()
    label[:, 1] = 0

    assert AUCLayer()(ANSWER, label) == 1.0
    assert MultiLabelAccuracy()(ANSWER, label) == 1.0


def test_the_mean_average_precision_is_that_of_scikit_learn():
    expected = average_precision_score(LABEL, ANSWER, average="macro")

    assert MultiLabelAccuracy()(ANSWER, LABEL).item() == pytest.approx(expected)


def test_an_evaluation_is_told_and_passes_no_gradients():
    brain = Brain(name="judged")
    brain.attach(
        InnerProductLayer(out_channel_num=2, name="ip"),
        BinaryAccuracy(name="acc", inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}]),
    )
    value = brain([ANSWER, LABEL])

    assert brain.evals == {"Acc": value}
    assert not value.requires_grad
    assert brain.loss is None


def test_only_a_validation_keeps_what_is_gathered_over_all_samples():
    layer = AUCLayer(return_average_auc=False)
    layer(ANSWER, LABEL)

    assert layer.verbose_evals == {}
    layer.eval()
    assert list(layer.verbose_evals) == ["AUC", "class_AUC"]


@pytest.mark.parametrize(
    ("layer", "signal", "told"),
    [
        (BinaryAccuracy(), ANSWER, "wants answers and labels, found 4×2"),
        (BinaryAccuracy(), [ANSWER, LABEL[0]], "of one shape"),
        (AUCLayer(), [ANSWER[0], LABEL[0]], "wants answers of N×classes, found shape \\[2\\]"),
    ],
)
def test_what_does_not_fit_is_told(layer, signal, told):
    with pytest.raises(BlockError, match=told):
        layer(signal)


class TopTwo(EvalLayer):
    EVAL = "top2"

    def judge(self, answer, label):
        return (answer.topk(2, dim=1).indices == label[:, None]).any(1).float().mean()


def test_an_evaluation_of_ones_own_takes_class_labels():
    brain = Brain(name="judged").attach(
        InnerProductLayer(out_channel_num=3, name="ip"),
        TopTwo(name="top2", inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}]),
    )
    brain([ANSWER, torch.tensor([0, 1, 2, 0])])

    assert brain["top2"].data == brain.evals["top2"]
    assert TopTwo()(torch.eye(3), torch.tensor([0, 1, 2])) == 1
