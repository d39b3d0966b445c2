"""ArraySource: what it takes, and what it says to what it cannot take."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from akidlab import ArraySource
from akidlab.errors import DataError, UnknownNameError

X, Y = np.zeros((6, 1, 4, 4)), np.arange(6)


def test_values_become_float32_and_labels_int64():
    x, y = ArraySource((X, Y.astype(np.uint16))).training

    assert (x.dtype, y.dtype) == (torch.float32, torch.int64)


def test_long_doubles_become_float32():  # torch does not know them
    source = ArraySource((np.full((1, 2), 0.5, dtype=np.longdouble), [0]))

    assert source.training[0].equal(torch.full((1, 2), 0.5))


def test_pictures_of_bytes_become_float32_but_labels_of_bytes_do_not():
    x, y = ArraySource((X.astype(np.uint8), Y.astype(np.uint8))).training

    assert (x.dtype, y.dtype) == (torch.float32, torch.int64)


def test_targets_may_be_real_numbers():
    assert ArraySource((X, Y / 2)).training[1].equal(torch.arange(6) / 2)


def test_tensors_lists_and_read_only_or_foreign_arrays_are_taken():
    frozen = np.arange(6.0)
    frozen.flags.writeable = False
    arrays = (torch.ones(6, requires_grad=True), [0.0] * 6, frozen, np.arange(6, dtype=">i4")[::-1])

    ones, zeros, floats, turned = ArraySource(arrays).training

    assert not ones.requires_grad
    assert (zeros.sum(), floats[5], turned.tolist()) == (0, 5, [5, 4, 3, 2, 1, 0])


def test_one_array_alone_is_a_part():
    assert [tensor.shape for tensor in ArraySource(X).training] == [(6, 1, 4, 4)]


def test_parts_are_counted_and_shown():
    source = ArraySource((X, Y), (X[:2], Y[:2]), (X[:3], Y[:3]), name="mine")

    assert (source.shape, source.num_train, source.num_val, source.num_test) == ((1, 4, 4), 6, 2, 3)
    assert repr(source) == "ArraySource 'mine': 6 training samples of 1x4x4, 2 for validation, 3 for test"


def test_parts_that_are_not_there_count_nothing():
    source = ArraySource((X, Y))

    assert (source.validation, source.test, source.num_val, source.num_test) == (None, None, 0, 0)


def test_a_part_is_found_by_its_mode():
    source = ArraySource((X, Y), (X[:2], Y[:2]))

    assert source.part("train") is source.training
    assert source.part("val") is source.validation
    with pytest.raises(UnknownNameError, match=r"no mode `vall`. Did you mean `val`"):
        source.part("vall")


def test_the_arrays_travel_with_the_source():
    assert pickle.loads(pickle.dumps(ArraySource((X, Y)))).training[1].equal(torch.arange(6))


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ((X, Y[:5]), r"The arrays of `train` differ in length: \[6, 5\]. Each needs one row"),
        ((X[:0], Y[:0]), "`train` holds no samples"),
        ((), "`train` holds no array. Give the inputs and the labels"),
        ((X, 3), "Array 1 of `train` is a single value, 3. Its first axis must be the samples"),
        ((X, ["cat"] * 6), "Array 1 of `train` holds `<U3`, not numbers. Encode it as numbers"),
        ((X, [[1, 2], [3]] * 3), "Array 1 of `train` is ragged: .*Pad its rows to one length"),
        ((X * 1j, Y), "Array 0 of `train` holds `complex128`, not numbers"),
        ((torch.zeros(6, dtype=torch.complex64), Y), "Array 0 of `train` holds torch.complex64. Give real"),
        ((np.array([None] * 6), Y), "Array 0 of `train` holds `object`, not numbers"),
    ],
)
def test_what_is_no_data_is_refused(train, message: str):
    with pytest.raises(DataError, match=message):
        ArraySource(train)


@pytest.mark.parametrize(
    ("val", "message"),
    [
        (
            (X[:, :, :2], Y),
            r"Array 0 of `val` has .*shape \(1, 2, 4\) .*float32, that of `train` shape \(1, 4,",
        ),
        ((X, Y / 2), r"Array 1 of `val` has .*float32, that of `train` .*int64. Give both the same"),
        ((X,), "`val` holds 1 arrays and `train` 2. Give as many"),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(val, message: str):
    with pytest.raises(DataError, match=message):
        ArraySource((X, Y), val)
