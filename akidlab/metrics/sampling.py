"""Sampling: which elements of a tensor stand for all, the same ones each time."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor

INNER = 7  # percentiles that are estimated; the two ends are exact
ELEMENTS = 8192  # looked at in a tensor that has more


def sample_size(count: int, elements: int) -> int:
    """How many of `count` elements are looked at, so that the error is that of `elements` of endlessly many.

    Drawn without being put back, fewer are needed of a small tensor (Serfling, 1974).

    Example:
        >>> sample_size(5000, 8192), sample_size(25_088, 8192), sample_size(10**9, 8192)
        (5000, 6176, 8192)
    """
    return count if count <= elements else math.ceil(elements / (1 + elements / count))


def rank_error(elements: int = ELEMENTS, confidence: float = 0.99) -> float:
    """How far the rank of a sampled percentile may be off, as a share of all elements.

    With the given confidence all seven inner percentiles of a tensor lie between the true percentiles that
    are this much lower and higher: sqrt(ln(2 * 7 / (1 - confidence)) / (2 * elements)), the bound of
    Hoeffding and Serfling for samples without replacement, for seven places at once.

    Example:
        >>> round(rank_error(8192), 4)
        0.021
    """
    return math.sqrt(math.log(2 * INNER / (1 - confidence)) / (2 * elements))


@lru_cache(maxsize=256)
def sampled(count: int, elements: int, device: torch.device) -> Tensor:
    """The ascending places that are looked at in a flat tensor of `count` elements: always the same ones.

    They are drawn at random, so that no pattern in the tensor can fall in step with them.
    """
    import torch

    drawn = np.random.default_rng(count).choice(
        count, sample_size(count, elements), replace=False, shuffle=False
    )
    drawn.sort()
    return torch.from_numpy(drawn).to(device)
