"""DatasetSource: torch data sets as sources."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset

from akidlab import DatasetSource, TorchSource
from akidlab.errors import DataError

X, Y = torch.arange(12.0).view(6, 2), torch.arange(6) % 3


class Squares(Dataset):
    """Numbers and their squares, in whatever form `form` gives them."""

    def __init__(self, form) -> None:
        self.form = form

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int):
        return self.form(index)


class Stream(IterableDataset):
    def __iter__(self):
        return iter([1])


def test_a_tensor_data_set_is_read_by_number():
    source = DatasetSource(TensorDataset(X, Y), val=Subset(TensorDataset(X, Y), [4, 1]))

    x, y = source.fetch("train", [5, 0])

    assert x.equal(X[[5, 0]])
    assert y.equal(Y[[5, 0]])
    assert source.fetch("val", [1])[0].equal(X[1:2])
    assert (source.size("train"), source.size("val"), source.size("test")) == (6, 2, 0)
    assert source.training[0].equal(X)


@pytest.mark.parametrize(
    "form",
    [
        lambda i: (np.float64(i), i * i),
        lambda i: [torch.tensor(float(i)), np.int32(i * i)],
        lambda i: {"x": float(i), "y": torch.tensor(i * i, dtype=torch.int16)},
    ],
    ids=["tuple", "list", "dictionary"],
)
def test_samples_of_every_form_become_floats_and_whole_numbers(form):
    x, y = DatasetSource(Squares(form)).fetch("train", [3, 2])

    assert (x.tolist(), x.dtype) == ([3, 2], torch.float32)
    assert (y.tolist(), y.dtype) == ([9, 4], torch.int64)


def test_samples_without_labels_are_one_tensor():
    assert DatasetSource(Squares(lambda i: torch.ones(2) * i)).fetch("train", [4])[0].tolist() == [[4, 4]]


@pytest.mark.parametrize(("mode", "shape"), [("RGB", (2, 3, 4, 6)), ("L", (2, 1, 4, 6))])
def test_images_of_pillow_have_their_channels_first(mode: str, shape: tuple[int, ...]):
    images, _ = DatasetSource(Squares(lambda i: (Image.new(mode, (6, 4)), i))).fetch("train", [0, 1])

    assert (tuple(images.shape), images.dtype) == (shape, torch.float32)


def test_a_data_set_that_gives_columns_for_many_samples_is_read_at_once():
    class Columns(Squares):
        def __getitems__(self, rows: list[int]):
            return {"x": torch.tensor(rows).float(), "y": [row * row for row in rows]}

    assert DatasetSource(Columns(None)).fetch("train", [3, 1])[1].tolist() == [9, 1]


def test_data_sets_put_together_are_one():
    source = DatasetSource(ConcatDataset([TensorDataset(X, Y), TensorDataset(X, Y)]))

    assert source.fetch("train", [7])[0].equal(X[1:2])


def test_no_samples_have_the_shape_of_one():
    assert DatasetSource(TensorDataset(X, Y)).fetch("train", [])[0].shape == (0, 2)


def test_akids_name_is_the_same():
    assert TorchSource is DatasetSource


def test_what_a_data_set_raises_is_raised():
    def form(index: int):
        raise RuntimeError(f"sample {index} is broken")

    with pytest.raises(RuntimeError, match="sample 2 is broken"):
        DatasetSource(Squares(form)).fetch("train", [2])


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (
            lambda i: torch.zeros(i + 1),
            r"Field 0 of the train part .* in shape .* \(1,\) and \(2,\)",
        ),
        (lambda i: (i,) * (i + 1), r"The samples of the train part of `dataset` have 1 and 2 fields"),
        (lambda i: (i, "cat"), r"Field 1 of the train part of `dataset` holds `<U3`, not numbers"),
    ],
)
def test_samples_that_make_no_batch_are_said(form, message: str):
    with pytest.raises(DataError, match=message):
        DatasetSource(Squares(form)).fetch("train", [0, 1])


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (Stream(), "`train` is a `Stream`, which has no samples by number and no length"),
        ([], "`train` holds no samples"),
    ],
)
def test_what_is_no_data_set_is_refused(dataset, message: str):
    with pytest.raises(DataError, match=message):
        DatasetSource(dataset)
