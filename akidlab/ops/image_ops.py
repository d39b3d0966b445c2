"""Operations on images."""

from __future__ import annotations

from torch import Tensor


def rescale_image(image: Tensor) -> Tensor:
    """The image divided by its largest number, which becomes 1; one without any light stays as it is.

    Args:
        image: numbers of any shape; whole numbers become fractions.

    Example:
        >>> import torch
        >>> rescale_image(torch.tensor([0, 128, 255])).max()
        tensor(1.)
    """
    image = image if image.is_floating_point() else image.float()
    largest = image.max() if image.numel() else image.sum()
    return image / largest if bool(largest > 0) else image
