"""Pooling: the largest or the mean of each window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.layers.arrangement import Arrangement, arranged, check_overlap
from akidlab.blocks.layers.maps import check_map, check_room, windows
from akidlab.blocks.layers.padding import Padding, Pair, pair
from akidlab.blocks.layers.padding import padding as read_padding
from akidlab.blocks.signal import Signal
from akidlab.blocks.topdown import check_emitted, given
from akidlab.errors import BlockError, unknown

if TYPE_CHECKING:
    from jaxtyping import Float


class PoolingLayer(Block):
    """The largest or the mean of each window; what padding adds never counts.

    Args:
        ksize: of the window, as 2, [2, 2] or [1, 2, 2, 1].
        strides: written the same way.
        padding: `"SAME"` and `"VALID"` as TensorFlow computes them, or a number of pixels.
        type: `max` or `avg`.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> PoolingLayer(ksize=[5, 5], strides=[2, 2], padding="SAME")(torch.zeros(1, 1, 14, 14)).shape
        torch.Size([1, 1, 7, 7])
    """

    NAME = "pool"

    def __init__(
        self,
        ksize: int | Sequence[int],
        strides: int | Sequence[int],
        padding: Padding = "VALID",
        type: str = "max",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ksize, self.strides = pair(ksize, "ksize"), pair(strides, "strides")
        self.padding = read_padding(padding)
        check_overlap(self)
        if type not in ("max", "avg"):
            raise unknown("type of pooling", str(type), ("max", "avg"))
        self.kind = type  # `type` is a method of torch modules
        # Without SAME sizes do not matter, and a graph for maps of any size must not ask for them.
        self._fixed = (
            None if self.padding == "SAME" else arranged(self.padding, (0, 0), self.ksize, self.strides)
        )
        self._known: dict[Pair, Arrangement] = {}

    def forward(
        self, signal: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels rows columns"]:
        pad, ceil, apart = self._fixed or self._arrangement(signal)
        if self.kind == "max":
            if apart is not None:
                signal = F.pad(signal, apart, value=float("-inf"))
            return torch.max_pool2d(signal, self.ksize, self.strides, pad, 1, ceil)
        if apart is None:
            return F.avg_pool2d(signal, self.ksize, self.strides, pad, ceil, count_include_pad=False)
        # The mean over the whole window, corrected by the share of it that lies inside.
        inside = F.avg_pool2d(F.pad(torch.ones_like(signal[:1, :1]), apart), self.ksize, self.strides)
        return F.avg_pool2d(F.pad(signal, apart), self.ksize, self.strides) / inside

    def backward(
        self, signal: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Top-down: each mean at every place of its window, their mean where windows overlap.

        Raises:
            BlockError: if the largest was pooled, and nobody knows where it was.
        """
        if self.kind == "max":
            raise BlockError(
                f"`{self.name}` cannot be run backward: it did not remember where the largest numbers were. "
                "Use a MaxPoolingLayer with get_argmax_idx=True."
            )
        blank = signal.new_zeros(*signal.shape[:2], *given(self)[2:])
        value, spread = torch.func.vjp(self.forward, blank)[:2]
        check_emitted(self, signal, tuple(value.shape[1:]))
        (shares,) = spread(torch.ones_like(signal))
        return torch.where(shares > 0, spread(signal)[0] / shares, 0)

    def _arrangement(self, signal: Tensor) -> Arrangement:
        if self._fixed is not None:
            return self._fixed
        size = (signal.shape[-2], signal.shape[-1])
        if size not in self._known:
            self._known[size] = arranged(self.padding, size, self.ksize, self.strides)
        return self._known[size]

    def _check(self, signal: Signal) -> None:
        check_map(self, signal)
        check_room(self, signal)

    def extra_repr(self) -> str:
        return f"{self.kind} {windows(self)}"


class AveragePoolingLayer(PoolingLayer):
    """The mean of each window.

    Args:
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> AveragePoolingLayer(2, 2)(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])).item()
        2.5
    """

    SETTLED = ("type",)

    def __init__(self, ksize: Any, strides: Any, padding: Padding = "VALID", **kwargs: Any) -> None:
        super().__init__(ksize, strides, padding, "avg", **kwargs)
