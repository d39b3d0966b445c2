"""Colorisation: feature maps take on the colours of the picture below them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class ColorizationReLULayer(Block):
    """What is positive in the feature maps, times each colour: three times as many channels.

    Its inputs are feature maps, `[batch, channels, height, width]`, and colours,
    `[batch, 3, height, width]`. Out come relu(features) * red, then * green, then * blue.

    Args:
        wipe_negative: take colours below zero (of a picture that was centred) for zero.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Raises:
        BlockError: if features and colours do not fit each other.

    Example:
        >>> features, colours = torch.ones(1, 2, 1, 1), torch.tensor([-1.0, 0.0, 1.0]).reshape(1, 3, 1, 1)
        >>> ColorizationReLULayer()(features, colours).flatten().tolist()
        [-1.0, -1.0, 0.0, 0.0, 1.0, 1.0]
    """

    NAME = "colorization"

    def __init__(self, *, wipe_negative: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wipe_negative = wipe_negative

    def forward(self, signal: list[Tensor]) -> Float[Tensor, "batch coloured height width"]:
        features, colours = torch.relu(signal[0]), signal[1]
        if self.wipe_negative:
            colours = torch.relu(colours)
        return (colours.unsqueeze(2) * features.unsqueeze(1)).flatten(1, 2)

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, list) or len(signal) != 2:
            raise BlockError(
                f"`{self.name}` wants feature maps and colours, found {found(signal)}. Wire both, such as "
                'inputs=[{"name": "conv1"}, {"name": "system_in"}].'
            )
        features, colours = signal
        wanted = (*features.shape[:1], 3, *features.shape[2:])
        if features.dim() != 4 or tuple(colours.shape) != wanted:
            raise BlockError(
                f"`{self.name}` wants feature maps of N×channels×height×width and colours of "
                f"N×3×height×width, found {found(signal)}. Bring both to one size first."
            )

    def extra_repr(self) -> str:
        return "no negative colours" if self.wipe_negative else ""
