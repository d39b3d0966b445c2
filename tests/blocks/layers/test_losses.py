"""Losses beside the softmax: their formulas, their inputs, what they refuse."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from akidlab import (
    BCELossLayer,
    Brain,
    GroupSoftmaxWithLossLayer,
    HingeLossLayer,
    InnerProductLayer,
    KLRegularizationLayer,
    MarginRankingLossLayer,
    MSELossLayer,
    TanhLayer,
    WeightDecayLayer,
)
from akidlab.errors import BlockError
from akidlab.sources.cifar100 import expanded

ANSWER, TRUTH = torch.tensor([[0.5, -1.0], [2.0, 0.0]]), torch.tensor([[0, 1], [1, 0]])


def test_a_loss_is_scaled_once_and_kept():
    loss = MSELossLayer(multiplier=0.5)
    value = loss(ANSWER, TRUTH)

    assert value == 0.5 * F.mse_loss(ANSWER, TRUTH.float())
    assert loss.loss is loss.data is value


def test_squared_errors_may_be_added_up():
    assert MSELossLayer(size_average=False)(ANSWER, TRUTH) == F.mse_loss(
        ANSWER, TRUTH.float(), reduction="sum"
    )


def test_positive_labels_may_weigh_more_in_a_binary_cross_entropy():
    weight = torch.tensor([3.0, 1.0])
    expected = F.binary_cross_entropy_with_logits(ANSWER, TRUTH.float(), pos_weight=weight)

    assert BCELossLayer()(ANSWER, TRUTH, weight) == expected


def test_weight_decay_counts_its_multiplier_once():  # akid counted it twice
    weights = [torch.ones(2, requires_grad=True), torch.tensor([1.0, 1.0])]

    assert WeightDecayLayer(multiplier=2.0)(weights) == 8.0


def test_rows_that_are_spread_as_asked_cost_nothing():
    rows = torch.tensor([[-2.0, 0.0, 2.0], [-4.0, 0.0, 4.0]])
    loss = KLRegularizationLayer(std=2.0)(rows)

    assert loss == pytest.approx((4 / 2 - 0.5 - math.log(2)) / 2)


def test_hinge_losses_see_weights_and_zeros():
    score, label = torch.tensor([0.5, 0.5]), torch.tensor([1, 0])

    assert HingeLossLayer(tripod_hinge_loss=True)(score, label) == 0.5
    assert HingeLossLayer()(score, torch.tensor([1, -1]), torch.tensor([1.0, 0.0])) == 0.25


def test_scores_are_ranked_pair_by_pair_all_with_all_or_by_sample():
    loss = MarginRankingLossLayer(margin=1.0)

    assert loss(torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]])) == 0.5
    assert loss(torch.tensor([2.0]), torch.tensor([0.0, 1.5, 3.0])) == pytest.approx(2.5 / 3)
    assert loss(torch.tensor([[2.0, 0.0]]), torch.tensor([[[0.0, 1.5], [0.0, 0.0]]])) == pytest.approx(
        2.5 / 4
    )
    assert (
        loss([torch.tensor([2.0]), torch.tensor([0.0])], [torch.tensor([1.5, 0.0]), torch.zeros(1)]) == 0.625
    )


def test_pairs_that_are_well_ranked_cost_nothing_when_hard_ones_are_sought():  # akid gave NaN
    assert MarginRankingLossLayer(1.0, hard_sample_mining=True)(torch.tensor([9.0]), torch.zeros(2)) == 0


def test_groups_that_hold_none_of_their_classes_are_told_by_the_ground_state():
    logits = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    vectors = torch.tensor([[0.0, 1.0, 0.0, 0.0, 0.0, 1.0]])
    first = -F.log_softmax(torch.tensor([1.0, 2.0, 0.0]), 0)[1]
    second = -F.log_softmax(torch.tensor([3.0, 4.0, 0.0]), 0)[2]
    loss, labels = GroupSoftmaxWithLossLayer(group_size=2), torch.tensor([1])

    assert loss(logits, labels, vectors) == pytest.approx(float((first + second) / 2))
    assert loss.evals == {"accuracy": 0.0}
    augmenting = GroupSoftmaxWithLossLayer(group_size=2, augment_label=True)
    assert augmenting(logits, labels, vectors[:, [0, 1, 3, 4]]) == pytest.approx(float(loss.data))


def test_vectors_of_a_hierarchical_source_are_what_the_group_loss_reads():
    fine = torch.tensor([0, 4, 3])
    logits = torch.full((3, 6), -9.0)
    logits[torch.arange(3), fine] = 9.0
    loss = GroupSoftmaxWithLossLayer(group_size=3)

    assert loss(logits, fine, expanded(fine, size=3, groups=2)) < 0.001
    assert loss.evals == {"accuracy": 1.0}


def test_a_sample_without_rivals_has_no_say():
    loss = MarginRankingLossLayer(margin=1.0)
    score = torch.ones(2, requires_grad=True)
    none = torch.zeros(0)

    assert loss([score, score], [torch.ones(1), none]) == 1.0
    assert loss([score], [none]) == 0.0
    assert loss.data.requires_grad


def test_an_edit_does_not_mind_what_labels_a_hinge_loss_wants():  # it tries the brain on zeros
    x, label = torch.ones(2, 3), torch.tensor([[1], [-1]])
    brain = Brain(name="sides").attach(
        InnerProductLayer(out_channel_num=1, name="ip"),
        HingeLossLayer(inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}]),
    )
    brain([x, label])
    brain.insert_after("ip", TanhLayer(name="tanh"))

    assert brain([x, label]) == 1.0


def test_an_answer_is_what_is_compared_with_a_truth_not_what_is_regularised():
    brain = Brain(name="spread").attach(
        InnerProductLayer(out_channel_num=4, name="hidden"),
        InnerProductLayer(out_channel_num=2, name="answer"),
        MSELossLayer(inputs=[{"name": "answer"}, {"name": "system_in", "idxs": [1]}]),
        KLRegularizationLayer(inputs=[{"name": "hidden"}]),
    )

    assert brain.infer(torch.ones(3, 5)).shape == (3, 2)


def test_losses_say_what_they_are():
    told = [
        layer.extra_repr()
        for layer in (
            MSELossLayer(size_average=False, multiplier=0.5),
            HingeLossLayer(tripod_hinge_loss=True, signal_balancing=True),
            MarginRankingLossLayer(0.5),
            KLRegularizationLayer(std=2.0, multiplier=3),
            WeightDecayLayer(),
        )
    ]

    assert told == ["added up, × 0.5", "tripod, balanced", "margin 0.5", "deviation 2, × 3", ""]


def test_a_balanced_loss_is_compiled_in_one_piece():
    loss = HingeLossLayer(tripod_hinge_loss=True, signal_balancing=True)
    signal = [torch.tensor([0.5, 2.0, 1.0]), torch.tensor([1, 0, 0])]
    loss.setup(signal)

    assert torch.compile(loss, fullgraph=True, backend="eager")(signal) == loss(signal) == 1.0


def test_a_brain_adds_up_losses_of_every_kind():
    brain = Brain(name="two")
    brain.attach(
        InnerProductLayer(out_channel_num=2, name="ip"),
        MSELossLayer(name="mse", inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}]),
        HingeLossLayer(
            name="hinge", multiplier=0.1, inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [2]}]
        ),
    )
    total = brain.objective([torch.ones(2, 3), torch.zeros(2, 2), torch.ones(2, 2)])

    assert total == brain["mse"].data + brain["hinge"].data


@pytest.mark.parametrize(
    ("layer", "signal", "told"),
    [
        (MSELossLayer(), [ANSWER, ANSWER[0]], "one shape, found \\[2×2, shape \\[2\\]\\]"),
        (MSELossLayer(), ANSWER, "wants 2 inputs"),
        (BCELossLayer(), [ANSWER, 3 * TRUTH], "from 0 to 1, found 0 to 3"),
        (HingeLossLayer(), [ANSWER, TRUTH], "labels of 1 and -1, found 0"),
        (MarginRankingLossLayer(1.0), [ANSWER, torch.ones(3)], "one shape, or several rivals"),
        (MarginRankingLossLayer(1.0), [[ANSWER], []], "as many samples on both sides"),
        (KLRegularizationLayer(), torch.ones(3, 1), "rows of two numbers"),
        (GroupSoftmaxWithLossLayer(3), [ANSWER, TRUTH[0], TRUTH], "a multiple of 3"),
        (GroupSoftmaxWithLossLayer(2), [ANSWER, TRUTH[0], TRUTH], "label vectors of 2×3 for 1 groups"),
    ],
)
def test_what_does_not_fit_is_told(layer, signal, told):
    with pytest.raises(BlockError, match=told):
        layer(signal)


def test_options_that_make_no_sense_are_told():
    with pytest.raises(BlockError, match="wants tripod_hinge_loss=True"):
        HingeLossLayer(signal_balancing=True)
    with pytest.raises(BlockError, match="`margin` of `ranking` is a number of 0 or more"):
        MarginRankingLossLayer(-1.0)
    with pytest.raises(BlockError, match="`std` of `kl` is a number above 0"):
        KLRegularizationLayer(std=0)
