"""FlipJoker: mirrors images at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from akidlab.errors import DataError
from akidlab.jokers.joker import Joker, height_and_width

if TYPE_CHECKING:
    from jaxtyping import Bool, Shaped
    from torch import Tensor

    from akidlab.jokers.draw import Draw


class FlipJoker(Joker):
    """Mirrors each image with some probability.

    Args:
        flip_left_right: True to exchange left and right, False to exchange top and bottom.
        p: the probability that an image is mirrored.

    Raises:
        DataError: if `p` is not a probability.

    Example:
        >>> FlipJoker(p=1)(torch.tensor([[[[1, 2, 3]]]]))
        tensor([[[[3, 2, 1]]]])
    """

    NAME = "flip"

    def __init__(self, flip_left_right: bool = True, *, p: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(p, (int, float)) or not 0 <= p <= 1:
            raise DataError(f"`p` is a probability, from 0 to 1, found {p!r}.")
        self.flip_left_right, self.p = flip_left_right, p

    def forward(
        self, images: Shaped[Tensor, "batch channels height width"], draw: Draw
    ) -> Shaped[Tensor, "batch channels height width"]:
        height_and_width(self, images)
        return mirrored(images, draw.chance(self.p), 3 if self.flip_left_right else 2)

    def _told(self) -> str:
        return f"{'left-right' if self.flip_left_right else 'top-bottom'}, p {self.p:g}"


def mirrored(
    images: Shaped[Tensor, "batch channels height width"], which: Bool[Tensor, " batch"], axis: int
) -> Shaped[Tensor, "batch channels height width"]:
    """A copy of `images` in which some are mirrored along `axis`.

    Example:
        >>> mirrored(torch.tensor([[[[1, 2]]], [[[3, 4]]]]), torch.tensor([True, False]), 3).tolist()
        [[[[2, 1]]], [[[3, 4]]]]
    """
    if images.device.type == "cpu" and images.dtype != torch.bfloat16:
        before, mask = images.detach().numpy(), which.numpy()
        after = before.copy()  # NumPy does this in less time than torch
        after[mask] = np.flip(before[mask], axis)
        return torch.from_numpy(after)
    rows = which.to(images.device).nonzero()[:, 0]
    return images.index_copy(0, rows, images.index_select(0, rows).flip(axis))
