"""ResizeJoker: images in another size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch.nn.functional as F

from akidlab.errors import DataError, unknown
from akidlab.jokers.joker import Joker, height_and_width, real

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from akidlab.jokers.draw import Draw

METHODS = ("bilinear", "nearest", "bicubic", "area")  # akid's numbers 0 to 3


class ResizeJoker(Joker):
    """Images in another size.

    Args:
        height: of what comes out, in pixels.
        width: of what comes out; as `height`, if not given.
        resize_method: `bilinear`, `nearest`, `bicubic` or `area`, or akid's number of it, from 0 on.
        antialias: for `bilinear` and `bicubic`: False to look at the nearest pixels alone when images are
            made smaller, which is quicker and jagged.

    Raises:
        DataError: if a size is none.
        UnknownNameError: if there is no such method.

    Example:
        >>> ResizeJoker(1, 2)(torch.tensor([[[[1.0, 3.0, 5.0, 7.0]]]]))
        tensor([[[[2.4286, 5.5714]]]])
    """

    NAME = "resize"

    def __init__(
        self,
        height: int,
        width: int | None = None,
        resize_method: int | str = "bilinear",
        *,
        antialias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.height, self.width = height, height if width is None else width
        if not all(isinstance(size, int) and size > 0 for size in (self.height, self.width)):
            raise DataError(f"A size is a whole number of pixels, found {self.height!r} by {self.width!r}.")
        self.resize_method = METHODS[resize_method] if resize_method in range(4) else str(resize_method)  # type: ignore[index]
        if self.resize_method not in METHODS:
            raise unknown("resize method", self.resize_method, METHODS)
        self.antialias = antialias

    def forward(
        self, images: Float[Tensor, "batch channels height width"], draw: Draw
    ) -> Float[Tensor, "batch channels h w"]:
        if height_and_width(self, real(self, images)) == (self.height, self.width):
            return images
        mode = "nearest-exact" if self.resize_method == "nearest" else self.resize_method
        antialias = self.antialias and mode in ("bilinear", "bicubic")
        return F.interpolate(images, (self.height, self.width), mode=mode, antialias=antialias)

    def _told(self) -> str:
        return f"{self.height}x{self.width}, {self.resize_method}"
