"""A picture of a batch: what a brain is given to see."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from akidlab.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import Float
    from PIL.Image import Image
    from torch import Tensor

_SIDE = 56  # pixels that an image takes at least on the screen, so that small ones can be seen
_GAP = 3


def picture(images: Float[Tensor, "batch channels height width"], columns: int = 10) -> Image:
    """Images side by side, in rows of `columns`; the least number of all is black, the greatest white.

    Three channels are red, green and blue; of other images the first channel is shown.

    Raises:
        DataError: if these are no images.

    Example:
        >>> picture(torch.rand(12, 1, 8, 8)).size
        (587, 115)
    """
    if images.dim() != 4 or not images.numel():
        raise DataError(
            f"A picture is made of [batch, channels, height, width], found the shape {tuple(images.shape)}."
        )
    from PIL.Image import Resampling, fromarray, new

    shown = images.detach().float().cpu()
    shown = shown if shown.shape[1] == 3 else shown[:, :1]
    low, high = shown.aminmax()
    shown = ((shown - low) / (high - low).clamp(min=1e-12) * 255).byte()
    times = max(1, ceil(_SIDE / max(shown.shape[2:])))
    width, height = shown.shape[3] * times, shown.shape[2] * times
    rows, columns = ceil(len(shown) / columns), min(columns, len(shown))
    mode = "RGB" if shown.shape[1] == 3 else "L"
    sheet = new(mode, (columns * (width + _GAP) - _GAP, rows * (height + _GAP) - _GAP), color="white")
    for number, image in enumerate(shown):
        tile = fromarray(image.permute(1, 2, 0).squeeze(2).numpy())
        place = (number % columns) * (width + _GAP), (number // columns) * (height + _GAP)
        sheet.paste(tile.resize((width, height), Resampling.NEAREST), place)
    return sheet
