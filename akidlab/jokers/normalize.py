"""NormalizeJoker: every channel by the measure of all images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from akidlab.errors import DataError
from akidlab.jokers.joker import Joker, height_and_width, real

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from akidlab.jokers.draw import Draw


class NormalizeJoker(Joker):
    """Subtracts a mean and divides by a standard deviation, one for all channels or one for each.

    Attach it for training and for validation. `NormalizeJoker.of(images)` measures them.

    Args:
        mean: of the pixels, in their unit.
        std: of the pixels, in their unit.

    Raises:
        DataError: if a standard deviation is not above 0 or, when called, if the channels do not fit.

    Example:
        >>> normalize = NormalizeJoker(mean=0.5, std=0.5)
        >>> normalize(torch.tensor([[[[0.0, 1.0]]]]))
        tensor([[[[-1.,  1.]]]])
    """

    NAME = "normalize"

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mean, self.std = _numbers(mean), _numbers(std)
        if any(not value > 0 for value in self.std):
            raise DataError(f"A standard deviation is above 0, found `std` {list(self.std)}.")
        if len({len(self.mean), len(self.std), 1}) > 2:
            raise DataError(
                f"`mean` has {len(self.mean)} channels and `std` {len(self.std)}. Give one number for all, "
                f"or one for each."
            )

    @classmethod
    def of(cls, images: Float[Tensor, "batch channels height width"], **kwargs: Any) -> NormalizeJoker:
        """The one that gives these images mean 0 and standard deviation 1 in each channel.

        Example:
            >>> NormalizeJoker.of(torch.tensor([[[[1.0, 3.0]]]]))
            NormalizeJoker(mean 2, std 1)
        """
        std, mean = torch.std_mean(images.double(), (0, 2, 3), correction=0)
        return cls(mean.tolist(), std.tolist(), **kwargs)

    def forward(
        self, images: Float[Tensor, "batch channels height width"], draw: Draw
    ) -> Float[Tensor, "batch channels height width"]:
        mean, std = self._fitting(images)
        return (images - mean).div_(std)

    def inverse(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels height width"]:
        """The images as they were before: for showing them."""
        mean, std = self._fitting(images)
        return images * std + mean

    def _fitting(self, images: Tensor) -> tuple[Any, Any]:
        height_and_width(self, real(self, images))
        channels = max(len(self.mean), len(self.std))
        if channels == 1:
            return self.mean[0], self.std[0]
        if images.shape[1] != channels:
            raise DataError(
                f"`{self.name}` knows {channels} channels, the images have {images.shape[1]}. Give as many "
                f"means and deviations, or one for all."
            )
        mean, std = (images.new_tensor(values).view(-1, 1, 1) for values in (self.mean, self.std))
        return mean, std

    def _told(self) -> str:
        return ", ".join(
            f"{name} {' '.join(f'{value:.4g}' for value in values)}"
            for name, values in (("mean", self.mean), ("std", self.std))
        )


def _numbers(value: float | Sequence[float]) -> tuple[float, ...]:
    return tuple(map(float, value if isinstance(value, Sequence) else torch.as_tensor(value).reshape(-1)))
