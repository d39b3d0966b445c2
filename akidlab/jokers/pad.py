"""PadJoker: a border around images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch.nn.functional as F

from akidlab.errors import DataError, unknown
from akidlab.jokers.joker import Joker, height_and_width

if TYPE_CHECKING:
    from jaxtyping import Shaped
    from torch import Tensor

    from akidlab.jokers.draw import Draw

MODES = ("constant", "reflect", "replicate", "circular")


class PadJoker(Joker):
    """Puts a border around images, before a random crop for instance.

    Args:
        padding: pixels on each side; two numbers for height and width, four for left, right, top, bottom.
        mode: what to fill it with: `constant` (`value`), or `reflect`, `replicate`, `circular`.
        value: the number of a constant border.

    Raises:
        DataError: if the padding is none.
        UnknownNameError: if there is no such mode.

    Example:
        >>> PadJoker([0, 1])(torch.ones(1, 1, 1, 2))
        tensor([[[[0., 1., 1., 0.]]]])
    """

    NAME = "pad"

    def __init__(
        self, padding: int | Sequence[int], mode: str = "constant", value: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if mode not in MODES:
            raise unknown("padding mode", mode, MODES)
        self.padding, self.mode, self.value = _edges(padding), mode, value

    def forward(
        self, images: Shaped[Tensor, "batch channels height width"], draw: Draw
    ) -> Shaped[Tensor, "batch channels h w"]:
        height, width = height_and_width(self, images)
        left, right, top, bottom = self.padding
        if self.mode == "reflect" and not (max(left, right) < width and max(top, bottom) < height):
            raise DataError(f"`{self.name}` cannot mirror {self.padding} pixels of a {height}x{width} image.")
        if self.mode == "constant":
            return F.pad(images, self.padding, value=self.value)
        return F.pad(images, self.padding, mode=self.mode)

    def _told(self) -> str:
        return f"{', '.join(map(str, self.padding))}, {self.mode}"


def _edges(padding: int | Sequence[int]) -> list[int]:
    """Left, right, top, bottom."""
    given = [padding] * 4 if isinstance(padding, int) else list(padding)
    if len(given) == 2:
        given = [given[1], given[1], given[0], given[0]]
    if len(given) != 4 or not all(isinstance(edge, int) and edge >= 0 for edge in given):
        raise DataError(f"`padding` is written as 2, [2, 2] or [2, 2, 2, 2], found {padding!r}.")
    return given
