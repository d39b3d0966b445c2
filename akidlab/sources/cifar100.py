"""CIFAR-100: 60,000 colour images of 32x32 in 100 classes and 20 superclasses, from Krizhevsky's files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from akidlab.errors import DataError
from akidlab.sources.cifar10 import Cifar10FeedSource
from akidlab.sources.cifar100_labels import NEW_LABEL_ORDER_LIST, OLD_LABEL_ORDER_LIST, SUPERCLASSES
from akidlab.sources.cifar_format import CIFAR100

if TYPE_CHECKING:
    from jaxtyping import Float, Int, UInt8
    from torch import Tensor

_NEW = np.array([NEW_LABEL_ORDER_LIST.index(name) for name in OLD_LABEL_ORDER_LIST])


class Cifar100Source(Cifar10FeedSource):
    """CIFAR-100: 60,000 colour images of 3x32x32 in 100 classes.

    Labels are those of the files, `classes` their names. Everything else is as in `Cifar10FeedSource`, whose
    arguments it takes; the files are looked for in `cifar100`.

    Example:
        >>> source = Cifar100Source(num_train=50000, num_val=10000)
        >>> source, source.classes[:3]
        (Cifar100Source 'cifar100': 50000 training samples of 3x32x32, 10000 for validation, 10000 for test,
         ['apple', 'aquarium_fish', 'baby'])
    """

    NAME, TITLE = "cifar100", "CIFAR-100"
    ARCHIVES = CIFAR100
    classes = OLD_LABEL_ORDER_LIST


class HCifar100Source(Cifar100Source):
    """CIFAR-100 with the tree of its labels: superclasses, classes in their order, and both as a vector.

    After the images come three tensors: the superclass (0 to 19, int64); the class (0 to 99, int64), numbered
    so that the five of superclass `s` are `5 s` to `5 s + 4`; and that as float32 of 20 groups of 6, where
    the group of the true superclass marks one of its five classes, and every other group its last slot,
    which stands for "none of these".

    Example:
        >>> HCifar100Source(num_train=45000, num_val=5000).classes[:5]
        ['beaver', 'dolphin', 'otter', 'seal', 'whale']
    """

    classes = NEW_LABEL_ORDER_LIST
    #: The names of the superclasses, by label.
    superclasses: Sequence[str] = tuple(SUPERCLASSES)

    def _labels(self, labels: UInt8[np.ndarray, "n labels"]) -> tuple[Tensor, ...]:
        fine = torch.from_numpy(_NEW[labels[:, 1]])
        coarse = torch.from_numpy(labels[:, 0].astype(np.int64))
        if not coarse.equal(fine // 5):
            wrong = int((coarse != fine // 5).nonzero()[0])
            raise DataError(
                f"Image {wrong} has superclass {int(coarse[wrong])}, but its class "
                f"`{self.classes[int(fine[wrong])]}` is of {int(fine[wrong]) // 5}: the files in "
                f"`{self.work_dir}` are not those of CIFAR-100."
            )
        return coarse, fine, expanded(fine)


def expanded(fine: Int[Tensor, " n"], size: int = 5, groups: int = 20) -> Float[Tensor, "n slots"]:
    """One group for each superclass: its classes, then a slot that says that it is none of them.

    Args:
        fine: the classes, those of a superclass next to each other.
        size: how many classes a superclass has.
        groups: how many superclasses there are.

    Example:
        >>> expanded(torch.tensor([0, 3]), size=2, groups=2)
        tensor([[1., 0., 0., 0., 0., 1.],
                [0., 0., 1., 0., 1., 0.]])
    """
    vectors = torch.zeros(len(fine), groups, size + 1)
    vectors[:, :, size] = 1
    rows = torch.arange(len(fine))
    vectors[rows, fine // size, size] = 0
    vectors[rows, fine // size, fine % size] = 1
    return vectors.flatten(1)


Cifar100TFSource, HCifar100TFSource = Cifar100Source, HCifar100Source
