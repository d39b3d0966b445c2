"""Joker: changes the samples of a batch a little, so that a brain does not learn them by heart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from akidlab.errors import DataError
from akidlab.jokers.draw import Draw

if TYPE_CHECKING:
    from jaxtyping import Shaped
    from torch import Tensor


class Joker(ABC):
    """Changes the samples of a batch a little, so that a brain does not learn them by heart.

    A subclass writes `forward(images, draw)`; what it leaves to chance it asks of `draw`. The images that it
    is given stay as they are. `sensor.attach(joker)` puts one to work; called by itself it shows what it
    does.

    Args:
        idxs: which tensors of a batch it changes; an image and its mask (`[0, 1]`) are changed alike.
        name: what to call it.

    Example:
        >>> class Negative(Joker):
        ...     def forward(self, images, draw):
        ...         return -images
        >>> Negative()(torch.ones(1, 1, 1, 2))
        tensor([[[[-1., -1.]]]])
    """

    NAME = "joker"
    #: False for one that draws from torch's global generator, which other threads use, too.
    THREAD_SAFE: bool = True

    def __init__(self, *, idxs: Sequence[int] = (0,), name: str | None = None) -> None:
        self.idxs, self.name = tuple(idxs), name or self.NAME

    @abstractmethod
    def forward(self, images: Shaped[Tensor, "batch ..."], draw: Draw) -> Shaped[Tensor, "batch ..."]:
        """`images`, changed."""

    def __call__(self, images: Tensor, draw: Draw | None = None) -> Tensor:
        """`images`, changed; without a `draw` by chance, from torch's global generator.

        Raises:
            DataError: if they are not what this joker can change.
        """
        return self.forward(images, Draw.fresh(len(images)) if draw is None else draw)

    def play(self, batch: Sequence[Tensor], draw: Draw) -> list[Tensor]:
        """A batch with the tensors of `idxs` changed, all by the same chance; yours may change labels, too.

        Raises:
            DataError: if there is no such tensor, or it cannot be changed.
        """
        changed = list(batch)
        for idx in self.idxs:
            if not -len(changed) <= idx < len(changed):
                raise DataError(
                    f"`{self.name}` is to change tensor {idx} of a batch, which has {len(changed)}: "
                    f"`idxs` counts from 0."
                )
            changed[idx] = self(changed[idx], draw.again())
        return changed

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._told()})"

    def _told(self) -> str:
        """What sets it apart from others of its class, in a few words."""
        return ""


def height_and_width(joker: Joker, images: Tensor) -> tuple[int, int]:
    """The size of `images`.

    Raises:
        DataError: if they are not images.
    """
    if images.dim() != 4:
        raise DataError(
            f"`{joker.name}` takes a batch of images, [batch, channels, height, width]; found a tensor of "
            f"shape {tuple(images.shape)}. One image becomes a batch by `image[None]`."
        )
    return images.shape[2], images.shape[3]


def real(joker: Joker, images: Tensor) -> Tensor:
    """`images`, if they hold real numbers.

    Raises:
        DataError: if they hold whole numbers, which cannot say what comes out.
    """
    if not images.is_floating_point():
        dtype = str(images.dtype).removeprefix("torch.")
        raise DataError(f"`{joker.name}` takes real numbers, found {dtype}. Convert them: `images.float()`.")
    return images


def per_sample(values: Tensor, images: Tensor) -> Tensor:
    """A number for each sample, laid out so that it acts on all of its pixels."""
    return values.to(images).view(-1, *(1,) * (images.dim() - 1))
