"""WhitenJoker and RescaleJoker: every image by its own measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from akidlab.jokers.joker import Joker, real

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from akidlab.jokers.draw import Draw


class WhitenJoker(Joker):
    """Gives each image mean 0 and standard deviation 1 over all its numbers.

    `(x - mean) / max(std, 1 / sqrt(n))`, with `n` the numbers in an image: TensorFlow's
    `per_image_standardization`, which leaves an image of one colour at 0.

    Example:
        >>> WhitenJoker()(torch.tensor([[[[1.0, 3.0]]]]))
        tensor([[[[-1.,  1.]]]])
    """

    NAME = "whiten"

    def forward(self, images: Float[Tensor, "batch ..."], draw: Draw) -> Float[Tensor, "batch ..."]:
        axes = tuple(range(1, real(self, images).dim()))
        centred = images - images.mean(axes, keepdim=True)
        std = centred.square().mean(axes, keepdim=True).sqrt_()  # `std_mean` takes three times as long
        return centred.div_(std.clamp_(min=images[0].numel() ** -0.5))


class RescaleJoker(Joker):
    """Divides each image by its greatest number: pixels of 0 or more come to lie between 0 and 1.

    An image without a number above 0 is left as it is.

    Example:
        >>> RescaleJoker()(torch.tensor([[[[0.0, 1.0, 4.0]]]]))
        tensor([[[[0.0000, 0.2500, 1.0000]]]])
    """

    NAME = "rescale"

    def forward(self, images: Float[Tensor, "batch ..."], draw: Draw) -> Float[Tensor, "batch ..."]:
        axes = tuple(range(1, real(self, images).dim()))
        greatest = images.amax(axes, keepdim=True)
        return images / torch.where(greatest > 0, greatest, torch.ones_like(greatest))
