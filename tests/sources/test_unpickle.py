"""Arrays out of a pickle, without running what else it may hold."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from akidlab.errors import DataError
from akidlab.sources.unpickle import unpickle
from tests.sources.cifar import python2_pickle

IMAGES = np.arange(2 * 5, dtype=np.uint8).reshape(2, 5) + 250


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


def test_a_batch_of_python_2_is_read_without_a_warning():
    batch = unpickle(python2_pickle({"labels": [6, 9]}, IMAGES))

    assert batch["labels"] == [6, 9]
    assert_array_equal(batch["data"], IMAGES)


@pytest.mark.parametrize("protocol", range(2, 5))
def test_a_batch_of_today_is_read(protocol: int):
    batch = unpickle(pickle.dumps({"data": IMAGES, "labels": [1]}, protocol))

    assert_array_equal(batch["data"], IMAGES)


def test_code_in_a_pickle_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(DataError, match=r"it asks for `\w+.mkdir`, which no array needs; it was not run"):
        unpickle(pickle.dumps({"data": Harmful()}))

    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps(IMAGES)[:-20]])
def test_a_torn_pickle_is_said(content: bytes):
    with pytest.raises(DataError, match="it is no pickle of arrays, or a torn one"):
        unpickle(content)
