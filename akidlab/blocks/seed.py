"""Seed: one number, and from it an independent random stream for every parameter of a brain."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from akidlab.blocks.refit import Refit


@dataclass(frozen=True, slots=True)
class Seed:
    """A number and the place in the brain where it is used.

    Each parameter draws from a generator of its own, made from the number and from its full name, so that
    layers of one shape differ, a new layer leaves the weights of the others as they are, and torch's
    global generator is not touched.

    Args:
        number: what the user gave.
        path: the names from the brain down to here, joined by dots.
        refit: what keeps weights that still fit, where an edit asks for the seed.
    """

    number: int
    path: str = ""
    refit: Refit | None = None

    @classmethod
    def given(cls, number: int | None) -> Seed:
        """The seed for `number`; for None one number is drawn from torch's global generator."""
        return cls(int(torch.randint(2**62, ()).item()) if number is None else int(number))

    def child(self, name: str) -> Seed:
        """The seed of what is called `name` below here."""
        return replace(self, path=f"{self.path}.{name}" if self.path else name)

    def generator(self, name: str) -> torch.Generator:
        """The generator of the parameter `name` of this place, always on the CPU."""
        text = f"{self.number}/{self.child(name).path}"
        digest = hashlib.sha256(text.encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
