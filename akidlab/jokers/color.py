"""ColorJoker: images in other colours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from akidlab.errors import DataError
from akidlab.jokers.joker import Joker, height_and_width, real
from akidlab.jokers.light import span

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from akidlab.jokers.draw import Draw


class ColorJoker(Joker):
    """Images in other colours: a random saturation and a random hue for each, computed by kornia.

    Args:
        saturation: the least and the greatest factor; (1, 1) leaves it.
        hue: by how much of a full turn around the colour wheel at most, up to 0.5; 0 leaves it.
        low: the number that stands for black; kornia works between 0 and 1.
        high: the number that stands for full colour.

    Raises:
        DataError: if a range is none or, when called, if the images do not have three channels.

    Example:
        >>> ColorJoker(saturation=(0, 0), hue=0)(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)).flatten()
        tensor([1., 1., 1.])
    """

    NAME = "color"

    def __init__(
        self,
        saturation: tuple[float, float] = (0.5, 1.5),
        hue: float = 0.1,
        *,
        low: float = 0.0,
        high: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= hue <= 0.5:
            raise DataError(f"`hue` is a part of a full turn, from 0 to 0.5, found {hue!r}.")
        if not low < high:
            raise DataError(f"`low` must lie below `high`, found {low!r} and {high!r}.")
        self.saturation, self.hue = span("saturation", saturation), hue
        self.low, self.high = low, high

    def forward(
        self, images: Float[Tensor, "batch 3 height width"], draw: Draw
    ) -> Float[Tensor, "batch 3 height width"]:
        from kornia.enhance import adjust_hue, adjust_saturation

        height_and_width(self, real(self, images))
        if images.shape[1] != 3:
            raise DataError(f"`{self.name}` takes red, green and blue, found {images.shape[1]} channels.")
        factor, turn = draw.uniform(*self.saturation), draw.uniform(-self.hue, self.hue)
        unit = ((images - self.low) / (self.high - self.low)).clamp(0, 1)
        if self.saturation != (1, 1):
            unit = adjust_saturation(unit, factor.to(images))
        if self.hue:
            unit = adjust_hue(unit, (2 * math.pi * turn).to(images))
        return unit * (self.high - self.low) + self.low

    def _told(self) -> str:
        low, high = self.saturation
        return f"saturation {low:g} to {high:g}, hue ±{self.hue:g}"
