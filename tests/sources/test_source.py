"""Source: what all sources can; LazySource: what those can whose samples are read one by one."""

from __future__ import annotations

import pytest
import torch

from akidlab.errors import DataError, UnknownNameError
from akidlab.sources import ArraySource, LazySource


@pytest.fixture
def array() -> ArraySource:
    return ArraySource((torch.arange(12.0).view(6, 2), torch.arange(6)), (torch.zeros(2, 2), torch.arange(2)))


class Squares(LazySource):
    """The numbers from 0 on, and their squares."""

    def size(self, mode: str = "train") -> int:
        return {"train": 4, "val": 2}.get(mode, 0)

    def fetch(self, mode, indices, epoch=0):
        rows = self.rows(mode, indices)
        return rows.float().unsqueeze(1), rows**2


@pytest.mark.parametrize("indices", [[5, 0, 5], (5, 0, 5), torch.tensor([5, 0, 5])])
def test_samples_are_fetched_in_the_order_of_the_indices(array: ArraySource, indices):
    x, y = array.fetch("train", indices)

    assert x.tolist() == [[10, 11], [0, 1], [10, 11]]
    assert y.tolist() == [5, 0, 5]
    assert array.get(indices)[1].equal(y)


def test_the_size_of_a_part_is_the_number_of_its_samples(array: ArraySource):
    assert [array.size(mode) for mode in ("train", "val", "test")] == [6, 2, 0]


def test_no_samples_may_be_asked_for(array: ArraySource):
    assert array.fetch("train", [])[0].shape == (0, 2)


@pytest.mark.parametrize(
    ("mode", "indices", "message"),
    [
        ("test", [0], "The source `array` has no `test` part"),
        ("val", [0, 2], "The `val` part of `array` has no sample 2: there are 2, from 0 on"),
        ("val", [-1], "has no sample -1"),
        ("train", 3, "by a list of numbers, found 0 axes"),
    ],
)
def test_samples_that_are_not_there_are_said(array: ArraySource, mode: str, indices, message: str):
    with pytest.raises(DataError, match=message):
        array.fetch(mode, indices)


def test_a_misspelt_mode_is_said(array: ArraySource):
    with pytest.raises(UnknownNameError, match=r"There is no mode `vals`. Did you mean `val`"):
        array.size("vals")


def test_a_lazy_source_needs_a_size_and_a_fetch_and_can_the_rest():
    source = Squares()
    source.setup()

    assert (source.in_memory, source.shape, source.num_train, source.num_val) == (False, (1,), 4, 2)
    assert source.training[1].tolist() == [0, 1, 4, 9]
    assert source.fetch("val", [1])[0].tolist() == [[1]]
    assert source.test is None
    assert repr(source) == "Squares 'lazy': 4 training samples of 1, 2 for validation"
