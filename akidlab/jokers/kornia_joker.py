"""KorniaJoker: an augmentation of kornia as a joker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from akidlab.errors import DataError
from akidlab.jokers.joker import Joker, height_and_width, real

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from akidlab.jokers.draw import Draw

_LEAST = 5  # rows that are drawn at least: tables of kornia with 4 rows are not of samples


class KorniaJoker(Joker):
    """An augmentation of kornia, `RandomAffine` or `RandomErasing` for instance, as a joker.

    Its draws are made for the batch over all ranks, of which each rank takes its own: any number of ranks
    sees the same. Where a validation is spread over ranks, what is drawn there depends on their number.

    Args:
        augmentation: one augmentation; of several, each becomes a joker.

    Raises:
        DataError: if it is not an augmentation of single images.

    Example:
        >>> from kornia.augmentation import RandomErasing
        >>> KorniaJoker(RandomErasing(p=1.0))(torch.ones(2, 1, 8, 8)).shape
        torch.Size([2, 1, 8, 8])
    """

    NAME = "kornia"
    THREAD_SAFE = False  # kornia draws from torch's global generator

    def __init__(self, augmentation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        from kornia.augmentation import AugmentationBase2D

        if not isinstance(augmentation, AugmentationBase2D):
            raise DataError(
                f"A KorniaJoker takes one augmentation of images, found {type(augmentation).__name__}. "
                f"Attach those of a sequence one after another."
            )
        self.augmentation = augmentation

    def forward(
        self, images: Float[Tensor, "batch channels height width"], draw: Draw
    ) -> Float[Tensor, "batch channels h w"]:
        height_and_width(self, real(self, images))
        first, last = draw.batch
        rows = max(last - first, _LEAST)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(draw.seed)
            drawn = self.augmentation.forward_parameters(torch.Size((rows, *images.shape[1:])))
        mine = slice(draw.first - first, draw.last - first)
        params = {name: _part(value, rows, mine) for name, value in drawn.items()}
        params["forward_input_shape"] = torch.tensor(images.shape)
        return self.augmentation(images, params=params)

    def _told(self) -> str:
        return type(self.augmentation).__name__


def _part(value: Any, rows: int, mine: slice) -> Any:
    return value[mine] if isinstance(value, torch.Tensor) and value.dim() and len(value) == rows else value
