"""DigitsSource: real handwriting with no network."""

from __future__ import annotations

import pickle

import pytest
import torch

from akidlab import DigitsSource
from akidlab.errors import DataError


def rows(source: DigitsSource) -> list[tuple[float, ...]]:
    parts = [part for part in (source.training, source.validation) if part is not None]
    return sorted(tuple(row) for x, _ in parts for row in x.flatten(1).tolist())


def test_the_digits_are_small_pictures_between_minus_and_plus_a_half():
    x, y = DigitsSource().training

    assert (x.shape, x.dtype, y.dtype) == ((1437, 1, 8, 8), torch.float32, torch.int64)
    assert (x.min(), x.max(), y.unique().tolist()) == (-0.5, 0.5, list(range(10)))


@pytest.mark.parametrize("num_val", [0, 1, 1796])
def test_every_digit_is_in_one_part(num_val: int):
    source = DigitsSource(num_val)

    assert (source.num_train, source.num_val) == (1797 - num_val, num_val)
    assert rows(source) == rows(DigitsSource())


def test_the_seed_decides_which_are_held_out():
    assert DigitsSource(seed=1).training[1].equal(DigitsSource(seed=1).training[1])
    assert not DigitsSource(seed=1).training[1].equal(DigitsSource(seed=2).training[1])


def test_a_second_source_reads_nothing_again():
    assert DigitsSource().training[0] is DigitsSource(name="other").training[0]


def test_the_source_travels_without_its_pictures():
    content = pickle.dumps(DigitsSource(100, seed=4))

    assert len(content) < 500
    assert pickle.loads(content).num_train == 1697


def test_a_seed_that_is_negative_is_refused():
    with pytest.raises(DataError, match="`seed` must be a whole number of 0 or more, found -1"):
        DigitsSource(seed=-1)


@pytest.mark.parametrize("num_val", [-1, 1797])
def test_a_validation_part_that_cannot_be_is_refused(num_val: int):
    with pytest.raises(DataError, match=f"There are 1797 digits: .*between 0 and 1796, found {num_val}"):
        DigitsSource(num_val)
