"""CIFAR-100: the labels of its files, and the tree that they make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from akidlab.errors import DataError
from akidlab.sources import NEW_LABEL_ORDER_LIST, OLD_LABEL_ORDER_LIST, Cifar100Source, HCifar100Source
from akidlab.sources.cifar100 import expanded
from akidlab.sources.cifar_format import CIFAR100
from tests.sources import cifar

BINARY, PYTHON = CIFAR100

#: The superclass of each class, as the files have them.
COARSE = [
    4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11, 6, 11, 5, 10, 7,
    6, 13, 15, 3, 15, 0, 11, 1, 10, 12, 14, 16, 9, 11, 5, 5, 19, 8, 8, 15, 13, 14, 17, 18, 10,
    16, 4, 17, 4, 2, 0, 17, 4, 18, 17, 10, 3, 2, 12, 12, 16, 12, 1, 9, 19, 2, 10, 0, 1, 16,
    12, 9, 13, 15, 13, 16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13,
]  # fmt: skip


class Small(Cifar100Source):
    NUM_TRAIN, NUM_TEST = 100, 100


class SmallTree(HCifar100Source):
    NUM_TRAIN, NUM_TEST = 100, 100


@pytest.fixture(params=CIFAR100, ids=["binary", "python"])
def folder(request, tmp_path: Path) -> Path:
    """A CIFAR-100 of one image of each class."""
    files = cifar.rows(request.param, number=100)
    for file in files.values():
        file[:, 0], file[:, 1] = COARSE, np.arange(100)
    cifar.put(tmp_path, request.param, files)
    return tmp_path


def test_the_labels_are_the_classes_of_the_files(folder: Path):
    source = Small(work_dir=folder, num_train=100, num_val=0, mirrors=())

    assert source.training[1].equal(torch.arange(100))
    assert (source.classes[0], source.classes[99]) == ("apple", "worm")


def test_the_tree_of_labels_numbers_the_classes_of_a_superclass_together(folder: Path):
    source = SmallTree(work_dir=folder, num_train=100, num_val=0, mirrors=())

    _, coarse, fine, vectors = source.training

    assert coarse.tolist() == COARSE
    assert fine.sort().values.equal(torch.arange(100))
    assert coarse.equal(fine // 5)
    assert [source.classes[i] for i in fine] == OLD_LABEL_ORDER_LIST
    assert vectors.equal(expanded(fine))


def test_a_vector_marks_one_slot_of_each_group():
    vectors = expanded(torch.tensor([0, 47, 99])).view(3, 20, 6)

    assert vectors.sum(2).eq(1).all()
    assert vectors[1, 9].tolist() == [0, 0, 1, 0, 0, 0]
    assert vectors[1, :9, 5].eq(1).all()
    assert vectors[:, :, :5].sum((1, 2)).tolist() == [1, 1, 1]


def test_the_label_lists_hold_the_same_hundred_classes():
    assert len(set(OLD_LABEL_ORDER_LIST)) == 100
    assert sorted(NEW_LABEL_ORDER_LIST) == OLD_LABEL_ORDER_LIST
    assert [NEW_LABEL_ORDER_LIST.index(name) // 5 for name in OLD_LABEL_ORDER_LIST] == COARSE


def test_a_class_under_another_superclass_is_said(tmp_path: Path):
    files = cifar.rows(BINARY, number=100)
    for file in files.values():
        file[:, 0], file[:, 1] = 3, 50
    cifar.put(tmp_path, BINARY, files)
    source = SmallTree(work_dir=tmp_path, num_train=100, num_val=0, mirrors=())

    with pytest.raises(DataError, match="Image 0 has superclass 3, but its class `mouse` is of 16"):
        _ = source.training
