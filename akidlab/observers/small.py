"""Small pictures: as much of filters and of feature maps as is recorded, or sent to a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from akidlab.messages.picture import picture

if TYPE_CHECKING:
    from akidlab.messages import Picture

ITEMS = 64  # filters, or maps, of a layer
NUMBERS = 16_384  # of a picture
SIDE = 28  # pixels of a map; larger ones are averaged


def of_filters(weights: np.ndarray, biases: np.ndarray | None, total: int) -> Picture:
    """As many filters, and of their channels, as a picture has room for.

    Args:
        weights: `[filters, channels, height, width]`.
        biases: `[filters]`.
        total: how many there are.
    """
    channels, size = weights.shape[1], int(np.prod(weights.shape[2:]))
    items = max(1, min(len(weights), ITEMS, NUMBERS // size))
    part = weights[:items, : max(1, NUMBERS // (items * size)), :, :NUMBERS]
    held = None if biases is None else biases[:items]
    return picture(part, held, total=total, channels=channels)


def of_maps(values: np.ndarray) -> Picture:
    """As many maps as a picture has room for, large ones made smaller by means.

    Args:
        values: what a block emits of one sample: `[maps, height, width]`, or numbers.
    """
    if values.ndim != 3:
        values = values.reshape(-1, 1, 1)
        return picture(values[:NUMBERS, None], total=len(values))
    total, height, width = values.shape
    size = min(height, SIDE), min(width, SIDE)
    items = max(1, min(total, ITEMS, NUMBERS // (size[0] * size[1])))
    part = values[:items]
    if size != (height, width):
        part = torch.nn.functional.adaptive_avg_pool2d(torch.as_tensor(part), size).numpy()
    return picture(part[:, None], total=total)
