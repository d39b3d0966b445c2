"""Operations that draw: akid's place for its initialiser of He and others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from akidlab.blocks import initializer


def msra_initializer(
    factor: float = 1.0, uniform: bool = False, seed: int | None = None
) -> Callable[[Sequence[int]], Tensor]:
    """A function that draws weights of a shape `[out, in, ...]` with a variance of `2 * factor / fan_in`.

    Source: K. He et al., Delving Deep into Rectifiers, 2015.

    Args:
        factor: what the variance is multiplied by.
        uniform: True for a uniform distribution instead of a normal one.
        seed: gives the same weights each time; by default torch's global generator goes on.

    Example:
        >>> msra_initializer(seed=1)([8, 4]).shape
        torch.Size([8, 4])
    """
    draw = initializer.get({"name": "msra", "factor": factor, "uniform": uniform})

    def drawn(shape: Sequence[int]) -> Tensor:
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        return draw(tuple(shape), generator)

    return drawn
