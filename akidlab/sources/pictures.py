"""Pictures from files: read by pillow, cut to one size as ImageNet's are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from akidlab.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import UInt8

    Box = tuple[int, int, int, int]

SUFFIXES = frozenset([".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"])
_ATTEMPTS = 10
#: How many chances `random_sized_box` looks at.
CHANCES = 2 * _ATTEMPTS + 2


def open_picture(path: Path, color: bool = True) -> Image.Image:
    """The picture in a file, in colour or in grey.

    Raises:
        DataError: if it cannot be read.
    """
    try:
        with Image.open(path) as picture:
            if "transparency" in picture.info:  # else pillow warns of palettes
                return picture.convert("RGBA").convert("RGB" if color else "L")
            return picture.convert("RGB" if color else "L")
    except FileNotFoundError:
        raise DataError(f"`{path}` is gone since the folder was listed. Make the source anew.") from None
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise DataError(f"`{path}` cannot be read as a picture: {error}. Mend it or delete it.") from None


def pixels(picture: Image.Image) -> UInt8[np.ndarray, "channels height width"]:
    """The values of a picture, channels first."""
    values = np.asarray(picture)
    return values[None] if values.ndim == 2 else values.transpose(2, 0, 1)


def shortened(picture: Image.Image, side: int) -> Image.Image:
    """The picture with its shorter side `side` pixels long."""
    width, height = picture.size
    scale = side / min(width, height)
    size = (side, int(height * scale + 1e-6)) if width <= height else (int(width * scale + 1e-6), side)
    return picture if size == picture.size else picture.resize(size, Image.Resampling.BILINEAR)


def square(picture: Image.Image, size: int, chances: Sequence[float] | None = None) -> Image.Image:
    """A square of `size` out of the picture: in the middle, or where the two chances say.

    A picture that is smaller gets a black border first.
    """
    left, top = (
        round((side - size) / 2) if chances is None else int(max(side - size + 1, 1) * chances[i])
        for i, side in enumerate(picture.size)
    )
    return picture.crop((left, top, left + size, top + size))


def random_sized(picture: Image.Image, size: int, chances: Sequence[float]) -> Image.Image:
    """A part of the picture, of random size and shape, brought to a square of `size`."""
    part = picture.crop(random_sized_box(*picture.size, chances))
    return part.resize((size, size), Image.Resampling.BILINEAR)


def random_sized_box(width: int, height: int, chances: Sequence[float]) -> Box:
    """Left, top, right and bottom of a part with 8 to 100 % of the area and a shape of 3:4 to 4:3.

    Ten times area and shape are drawn, until they fit; where none does, it is the largest part in the middle
    of an allowed shape.

    Source: C. Szegedy et al., "Going deeper with convolutions", 2015, section 6.

    Args:
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        chances: `CHANCES` numbers in [0, 1).

    Example:
        >>> random_sized_box(100, 100, [0.99] + [0.5] * 21)
        (0, 0, 100, 100)
    """
    for i in range(_ATTEMPTS):
        area = width * height * (0.08 + 0.92 * chances[2 * i])
        shape = math.exp((2 * chances[2 * i + 1] - 1) * math.log(4 / 3))
        wide, high = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
        if 0 < wide <= width and 0 < high <= height:
            left = int(chances[-2] * (width - wide + 1))
            top = int(chances[-1] * (height - high + 1))
            return left, top, left + wide, top + high
    wide, high = min(width, round(height * 4 / 3)), min(height, round(width * 4 / 3))
    left, top = (width - wide) // 2, (height - high) // 2
    return left, top, left + wide, top + high
