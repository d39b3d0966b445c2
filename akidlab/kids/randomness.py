"""Randomness: where the global generators stand, which layers, jokers and hooks draw from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Randomness:
    """Where the global generators of torch, numpy and Python stand.

    Args:
        tensors: their large states, by name; what safetensors can hold.
        plain: the rest of their states; what JSON can hold.
    """

    tensors: dict[str, Tensor]
    plain: dict[str, Any]

    @classmethod
    def seeded(cls, seed: int, device: torch.device) -> Randomness:
        """The generators as `seed` sets them; the global ones are not touched."""
        tensors = {"torch": torch.Generator().manual_seed(seed).get_state()}
        if device.type == "cuda":
            tensors["cuda"] = torch.Generator(device).manual_seed(seed).get_state()
        legacy = np.random.RandomState(seed % 2**32).get_state(legacy=False)
        return cls._with(tensors, legacy, random.Random(seed).getstate())

    @classmethod
    def capture(cls, device: torch.device) -> Randomness:
        """The generators as they stand now."""
        tensors = {"torch": torch.get_rng_state()}
        if device.type == "cuda":
            tensors["cuda"] = torch.cuda.get_rng_state(device)
        return cls._with(tensors, np.random.get_state(legacy=False), random.getstate())

    def restore(self, device: torch.device) -> None:
        """Put the global generators where they stood."""
        torch.set_rng_state(self.tensors["torch"])
        if device.type == "cuda" and "cuda" in self.tensors:
            torch.cuda.set_rng_state(self.tensors["cuda"], device)
        position, has_gauss, gauss = self.plain["numpy"]
        keys = self.tensors["numpy"].numpy().astype(np.uint32)
        np.random.set_state(("MT19937", keys, position, has_gauss, gauss))
        version, gauss_next = self.plain["python"]
        random.setstate((version, tuple(self.tensors["python"].tolist()), gauss_next))

    @classmethod
    def _with(cls, tensors: dict[str, Tensor], legacy: Any, python: tuple[Any, ...]) -> Randomness:
        version, words, gauss_next = python
        tensors["numpy"] = torch.from_numpy(legacy["state"]["key"].astype(np.int64))
        tensors["python"] = torch.tensor(words, dtype=torch.int64)
        plain = {
            "numpy": [int(legacy["state"]["pos"]), int(legacy["has_gauss"]), float(legacy["gauss"])],
            "python": [version, gauss_next],
        }
        return cls(tensors, plain)


@contextmanager
def outer_kept(device: torch.device) -> Iterator[None]:
    """Leave the generators of the notebook as they were before."""
    outer = Randomness.capture(device)
    try:
        yield
    finally:
        outer.restore(device)
