"""DataSet: batches for a loop of one's own."""

from __future__ import annotations

import pytest
import torch

from akidlab.errors import DataError
from akidlab.sources import DataSet, DataSets

X, Y = torch.arange(14.0).view(7, 2), torch.arange(7)


def test_batches_keep_images_and_labels_together_and_drop_the_tail():
    data = DataSet(X, Y, seed=3)

    drawn = [data.next_batch(3) for _ in range(4)]

    assert all(x[:, 0].equal(2.0 * y) for x, y in drawn)
    assert len(torch.cat([y for _, y in drawn[:2]]).unique()) == 6
    assert (data.epochs_completed, data.num_examples) == (1, 7)


def test_an_epoch_has_an_order_of_its_own_which_the_seed_decides():
    orders = [[data.next_batch(7)[1].tolist() for _ in range(2)] for data in (DataSet(X, Y), DataSet(X, Y))]

    assert orders[0] == orders[1]
    assert orders[0][0] != orders[0][1]


def test_center_subtracts_before_scale_divides():
    data = DataSet(torch.tensor([[0.0], [255.0]]), [0, 1], center=True, scale=True)

    assert data.images.flatten().tolist() == [-0.5, 0.5]


def test_a_batch_larger_than_the_data_set_is_refused():
    with pytest.raises(DataError, match="A batch has 1 to 7 of the samples, found 8"):
        DataSet(X, Y).next_batch(8)


def test_a_bundle_holds_three_of_them():
    bundle = DataSets(DataSet(X, Y), test=DataSet(X, Y))

    assert repr(bundle.training) == "DataSet: 7 samples of 2, 0 epochs completed"
    assert bundle.validation is None
