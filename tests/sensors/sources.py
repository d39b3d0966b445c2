"""Sources and jokers that read slowly, fail or hang; they travel to workers by the name of this module."""

from __future__ import annotations

import os
import time
from pathlib import Path

import torch

from akidlab import Joker
from akidlab.sources.lazy import LazySource
from tests.patience import PATIENCE


class Numbers(LazySource):
    """Samples that are made when they are asked for, each out of its own number."""

    NAME = "numbers"

    def __init__(self, length: int = 20, num_val: int = 7, side: int = 4) -> None:
        super().__init__()
        self.lengths, self.side = {"train": length, "val": num_val, "test": 0}, side

    def size(self, mode: str = "train") -> int:
        return self.lengths[mode]

    def fetch(self, mode, indices, epoch=0):
        rows = torch.as_tensor(indices)
        return torch.arange(self.side**2).add(rows[:, None]).view(-1, 1, self.side, self.side).float(), rows


class Missing(Numbers):
    """Sample 13 cannot be read while a file is there."""

    def __init__(self, flag: Path, **options) -> None:
        super().__init__(**options)
        self.flag = flag

    def fetch(self, mode, indices, epoch=0):
        if mode == "train" and 13 in torch.as_tensor(indices).tolist() and self.flag.exists():
            raise OSError("sample 13 is torn")
        return super().fetch(mode, indices, epoch)


class Hanging(Numbers):
    """Hangs in epoch 1 as long as a file is there, which it makes itself."""

    def __init__(self, flag: Path) -> None:
        super().__init__()
        self.flag = flag

    def fetch(self, mode, indices, epoch=0):
        if epoch == 1:
            self.flag.touch()
            end = time.monotonic() + PATIENCE
            while self.flag.exists() and time.monotonic() < end:
                time.sleep(0.01)
        return super().fetch(mode, indices, epoch)


class Growing(Joker):
    """Batches of another size for each sample that leads them."""

    def forward(self, images, draw):
        return images.repeat(1, 1 + draw.first, 1, 1)


class Process(Joker):
    """Writes down which process it plays in."""

    def forward(self, images, draw):
        return torch.full_like(images, os.getpid())
