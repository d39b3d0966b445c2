"""A max pooling with a memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from akidlab.blocks.layers.arrangement import located, put
from akidlab.blocks.layers.memory import MemoryLayer
from akidlab.blocks.layers.padding import Padding
from akidlab.blocks.layers.pooling import PoolingLayer
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class MemoryMaxPoolingLayer(MemoryLayer, PoolingLayer):
    """A max pooling that can hold on to where the largest were, and pick from there whatever it is given.

    Args:
        ksize: of the window, as 2, [2, 2] or [1, 2, 2, 1].
        strides: written the same way.
        padding: `"SAME"` and `"VALID"` as TensorFlow computes them, or a number of pixels.
        keep_memory: hold the pattern of the first pass.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> pool = MemoryMaxPoolingLayer(2, 2, keep_memory=True)
        >>> pool(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])).item()
        4.0
        >>> pool(torch.tensor([[[[8.0, 7.0], [6.0, 5.0]]]])).item()
        5.0
    """

    SETTLED = ("type",)

    def __init__(self, ksize: Any, strides: Any, padding: Padding = "VALID", **kwargs: Any) -> None:
        super().__init__(ksize, strides, padding, "max", **kwargs)

    def forward(
        self, signal: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels rows columns"]:
        held = self._held(signal)
        if held is not None:
            places = held.expand(signal.shape[0], -1, -1, -1)
            return signal.flatten(2).gather(2, places.flatten(2)).view(places.shape)
        value, places = located(signal, self.ksize, self.strides, self._arrangement(signal))
        self._remember(places, signal)
        return value

    def backward(
        self, signal: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Top-down: each value where the pattern says, zero elsewhere.

        Raises:
            BlockError: if nothing is remembered, or it has another shape.
        """
        memory = self._pattern[0]
        if memory is None or memory[0].shape[1:] != signal.shape[1:]:
            raise BlockError(
                f"`{self.name}` cannot put {found(signal)} back. Call it on a signal first, and give back "
                "what is shaped as its value."
            )
        pattern, (_, height, width) = memory
        return put(signal, pattern.expand(signal.shape[0], -1, -1, -1), (height, width))

    def _check(self, signal: Signal) -> None:
        super()._check(signal)
        self._held(signal)
