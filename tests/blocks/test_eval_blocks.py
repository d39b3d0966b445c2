"""Eval blocks: what batches tell, put together for a whole validation."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import roc_auc_score

from akidlab import (
    ArraySource,
    AUCEvalBlock,
    AUCLayer,
    BatchEvalBlock,
    Brain,
    FeedSensor,
    InnerProductLayer,
    Kid,
    MomentumKongFu,
    MSELossLayer,
    MultiEvalBlock,
    get_eval_block,
    register_eval_block,
    reset_eval_block_map,
)
from akidlab.errors import BlockError


@pytest.fixture(autouse=True)
def _nothing_registered():
    yield
    reset_eval_block_map()


def test_a_short_batch_counts_for_its_samples():  # akid's counted each batch alike
    block = BatchEvalBlock()
    block.add(1.0, samples=3)
    block.add(0.0, samples=1)

    assert block.data == 0.75
    assert str(block) == "0.7500"


def test_a_value_that_hangs_on_a_graph_is_only_a_number():
    block = BatchEvalBlock()
    block.add(torch.ones((), requires_grad=True), samples=2)

    assert block.data == 1.0


def test_what_is_not_a_number_is_left_out_where_it_is():
    block = MultiEvalBlock()
    block.add([math.nan, 1.0])
    block.add([4.0, 3.0], samples=1)

    assert block.data == [4.0, 2.0]
    with pytest.raises(BlockError, match="told 2 numbers, then 1"):
        block.add([1.0])


def test_blocks_of_several_ranks_merge_into_what_one_would_have_gathered():
    values = [(torch.rand(5, 3), torch.randint(0, 2, (5, 3))) for _ in range(4)]
    whole, first, second = AUCEvalBlock(), AUCEvalBlock(), AUCEvalBlock()
    for index, value in enumerate(values):
        whole.add(value)
        (first if index < 2 else second).add(value)
    first.merge(second)

    assert first.data == whole.data
    assert AUCEvalBlock().data == [None, None]


def _kid(samples: int = 50) -> Kid:
    torch.manual_seed(0)
    data = torch.rand(samples, 6), torch.randint(0, 2, (samples, 3)).float()
    truth = {"name": "system_in", "idxs": [1]}
    brain = Brain(name="labels").attach(
        InnerProductLayer(out_channel_num=3, name="ip"),
        MSELossLayer(name="mse", inputs=[{"name": "ip"}, truth]),
        AUCLayer(name="auc", return_average_auc=False, inputs=[{"name": "ip"}, truth]),
    )
    sensor = FeedSensor(ArraySource(data, data), batch_size=10, val_batch_size=8)
    return Kid(sensor, brain, MomentumKongFu(0.01), max_steps=2, record=False)


def test_a_validation_gathers_what_cannot_be_averaged_over_batches():
    kid = _kid()
    kid.practice()
    images, labels = kid.sensor.source.validation
    expected = roc_auc_score(labels, kid.predict(images), average="macro")

    assert kid.verbose_evals["AUC"][1] == pytest.approx(expected)
    assert len(kid.verbose_evals["class_AUC"]) == 3
    assert set(kid.evals) == {"batch_AUC"}
    assert 0 < kid.evals["batch_AUC"] < 1


def test_an_evaluation_is_gathered_as_was_registered():
    class Last(BatchEvalBlock):
        def add(self, value, samples=1):
            self.total, self.samples = float(value), 1

    register_eval_block("batch_AUC", Last)
    kid = _kid()
    kid.setup()
    last = kid.validate()[1]["batch_AUC"]
    kid.brain.eval()
    images, labels = kid.sensor.source.validation
    kid.brain([images[48:], labels[48:]])

    assert last == pytest.approx(float(kid.brain["auc"].data), nan_ok=True)
    assert get_eval_block("batch_AUC") is Last
    reset_eval_block_map()
    assert get_eval_block("batch_AUC") is BatchEvalBlock
    with pytest.raises(BlockError, match="a class of EvalBlock, found <class 'int'>"):
        register_eval_block("loss", int)  # type: ignore[arg-type]
