"""LightJoker: images as under another light."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from akidlab.errors import DataError
from akidlab.jokers.joker import Joker, height_and_width, per_sample, real

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from akidlab.jokers.draw import Draw


class LightJoker(Joker):
    """Images as under another light: a random brightness, then a random contrast, for each image.

    `x + d`, then `mean + c (x - mean)` with the mean of each channel over its pixels, as in TensorFlow's
    CIFAR-10 tutorial; `d` lies in [-max_delta, max_delta], `c` in `contrast_range`.

    Args:
        contrast: False to leave the contrast.
        brightness: False to leave the brightness.
        max_delta: how much brighter or darker at most, in the unit of the pixels. The default suits pixels
            that span 1 (from 0 to 1, or -0.5 to 0.5); akid's 63 suits 0 to 255.
        contrast_range: the least and the greatest factor.

    Raises:
        DataError: if the range is none, or the images hold whole numbers.

    Example:
        >>> LightJoker(contrast=False, max_delta=0)(torch.ones(1, 1, 1, 2))
        tensor([[[[1., 1.]]]])
    """

    NAME = "light"

    def __init__(
        self,
        contrast: bool = True,
        brightness: bool = True,
        *,
        max_delta: float = 63 / 255,
        contrast_range: tuple[float, float] = (0.2, 1.8),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if max_delta < 0:
            raise DataError(f"`max_delta` is how much brighter or darker at most, found {max_delta!r}.")
        self.contrast, self.brightness, self.max_delta = contrast, brightness, max_delta
        self.contrast_range = span("contrast_range", contrast_range)

    def forward(
        self, images: Float[Tensor, "batch channels height width"], draw: Draw
    ) -> Float[Tensor, "batch channels height width"]:
        height_and_width(self, real(self, images))
        delta, factor = draw.uniform(-self.max_delta, self.max_delta), draw.uniform(*self.contrast_range)
        if self.brightness:
            images = images + per_sample(delta, images)
        if self.contrast:
            mean = images.mean((2, 3), keepdim=True)
            images = mean + per_sample(factor, images) * (images - mean)
        return images

    def _told(self) -> str:
        low, high = self.contrast_range
        parts = [f"brightness ±{self.max_delta:.3g}"] if self.brightness else []
        return ", ".join(parts + ([f"contrast {low:g} to {high:g}"] if self.contrast else []))


def span(name: str, values: tuple[float, float]) -> tuple[float, float]:
    """`values`, if they are a lower and an upper bound of 0 or more.

    Raises:
        DataError: if they are not.
    """
    pair = tuple(values) if isinstance(values, (tuple, list)) else ()
    if len(pair) != 2 or not 0 <= pair[0] <= pair[1]:
        raise DataError(f"`{name}` is a least and a greatest factor, such as (0.5, 1.5); found {values!r}.")
    return pair[0], pair[1]
