"""CropJoker: a part of an image, at random or from its middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F

from akidlab.errors import DataError
from akidlab.jokers.joker import Joker, height_and_width

if TYPE_CHECKING:
    from jaxtyping import Int, Shaped
    from torch import Tensor

    from akidlab.jokers.draw import Draw


class CropJoker(Joker):
    """A part of each image: at a place of its own at random, or from the middle.

    Args:
        height: of what comes out, in pixels; that of the image if only `width` is given.
        width: of what comes out; as `height`, if only that is given.
        center: True to take the middle; an image that is too small for it is padded all around.
        central_fraction: in place of a size, the part of each side to keep, from the middle.
        padding: how much to put around the image before a random crop, in pixels on each side.
        value: what the padding consists of, in the unit of the pixels: the background.

    Raises:
        DataError: if the sizes make no sense or, when called, if the images are too small.

    Example:
        >>> images = torch.arange(9.0).view(1, 1, 3, 3)
        >>> CropJoker(1, center=True)(images)
        tensor([[[[4.]]]])
    """

    NAME = "crop"

    def __init__(
        self,
        height: int | None = None,
        width: int | None = None,
        center: bool = False,
        central_fraction: float | None = None,
        *,
        padding: int = 0,
        value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        sizes = [size for size in (height, width) if size is not None]
        if bool(sizes) == (central_fraction is not None):
            raise DataError(
                "A crop needs a size, `CropJoker(28)` or `CropJoker(24, 32)`, or in its place a "
                "`central_fraction`; not both."
            )
        for what, size, least in (*(("size", size, 1) for size in sizes), ("padding", padding, 0)):
            if not isinstance(size, int) or isinstance(size, bool) or size < least:
                raise DataError(f"The {what} of a crop is a whole number of {least} or more, found {size!r}.")
        if central_fraction is not None and not 0 < central_fraction <= 1:
            raise DataError(
                f"`central_fraction` is the part to keep, above 0 and at most 1, found {central_fraction!r}."
            )
        if padding and (center or central_fraction is not None):
            raise DataError(
                "`padding` is for random crops. A crop of the middle pads by itself where needed."
            )
        self.height = sizes[0] if sizes else None
        self.width = sizes[-1] if sizes else None
        self.center, self.central_fraction = center, central_fraction
        self.padding, self.value = padding, value

    def forward(
        self, images: Shaped[Tensor, "batch channels height width"], draw: Draw
    ) -> Shaped[Tensor, "batch channels h w"]:
        size = height_and_width(self, images)
        if self.central_fraction is not None:
            before = [int((side - side * self.central_fraction) / 2) for side in size]
            return _middle(images, [side - 2 * cut for side, cut in zip(size, before, strict=True)], 0.0)
        assert self.height is not None
        assert self.width is not None
        if self.center:
            return _middle(images, [self.height, self.width], self.value)
        if self.padding:
            images = F.pad(images, [self.padding] * 4, value=self.value)
        return self._at_random(images, draw)

    def _at_random(self, images: Tensor, draw: Draw) -> Tensor:
        assert self.height is not None
        assert self.width is not None
        rows, columns = images.shape[2] - self.height, images.shape[3] - self.width
        if min(rows, columns) < 0:
            raise DataError(
                f"`{self.name}` is to cut {self.height}x{self.width} out of images of "
                f"{images.shape[2]}x{images.shape[3]}. Make it smaller, give it `padding`, or `center=True`, "
                f"which pads."
            )
        tops, lefts = draw.integers(0, rows + 1), draw.integers(0, columns + 1)
        return windows(images, tops, lefts, self.height, self.width)

    def _told(self) -> str:
        if self.central_fraction is not None:
            return f"middle {self.central_fraction:g}"
        size = f"{self.height}x{self.width}"
        return (
            f"middle {size}" if self.center else size + (f", padding {self.padding}" if self.padding else "")
        )


def windows(
    images: Shaped[Tensor, "batch channels height width"],
    tops: Int[Tensor, " batch"],
    lefts: Int[Tensor, " batch"],
    height: int,
    width: int,
) -> Shaped[Tensor, "batch channels {height} {width}"]:
    """A window of each image, at its own place.

    Example:
        >>> images = torch.arange(9).view(1, 1, 3, 3)
        >>> windows(images, torch.tensor([1]), torch.tensor([0]), 2, 2).tolist()
        [[[[3, 4], [6, 7]]]]
    """
    if images.device.type == "cpu" and images.dtype != torch.bfloat16:
        # NumPy copies whole windows where torch's indexing asks for every pixel: 2 to 3 times as fast
        views = np.lib.stride_tricks.sliding_window_view(images.detach().numpy(), (height, width), (2, 3))
        rows = np.arange(len(images))
        return torch.from_numpy(views[rows, :, tops.numpy(), lefts.numpy()])
    views = images.unfold(2, height, 1).unfold(3, width, 1)
    rows = torch.arange(len(images), device=images.device)
    return views[rows, :, tops.to(images.device), lefts.to(images.device)]


def _middle(images: Tensor, size: list[int], value: float) -> Tensor:
    """The middle of each image, padded where it is too small; an odd pixel more is at the end."""
    for axis, wanted in zip((2, 3), size, strict=True):
        there = images.shape[axis]
        if there > wanted:
            images = images.narrow(axis, (there - wanted) // 2, wanted)
        elif there < wanted:
            before = (wanted - there) // 2
            edges = [before, wanted - there - before]
            images = F.pad(images, edges if axis == 3 else [0, 0, *edges], value=value)
    return images.contiguous()
