"""Pooling: the largest or the mean of each window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.padding import Padding, Pair, emitted, pads, pair
from akidlab.blocks.padding import padding as read_padding
from akidlab.blocks.signal import Signal
from akidlab.blocks.synapse import check_map, check_room, windows
from akidlab.errors import unknown

if TYPE_CHECKING:
    from jaxtyping import Float

_Arrangement: TypeAlias = "tuple[Pair, bool, tuple[int, int, int, int] | None]"


class PoolingLayer(Block):
    """The largest or the mean of each window; what padding adds never counts.

    Args:
        ksize: of the window, as 2, [2, 2] or [1, 2, 2, 1].
        strides: written the same way.
        padding: `"SAME"` and `"VALID"` as TensorFlow computes them, or a number of pixels.
        type: `max` or `avg`.

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
        if type not in ("max", "avg"):
            raise unknown("type of pooling", str(type), ("max", "avg"))
        self.kind = type  # `type` is a method of torch modules
        self._known: dict[Pair, _Arrangement] = {}

    def forward(
        self, signal: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels rows columns"]:
        pad, ceil, apart = self._arrangement((signal.shape[-2], signal.shape[-1]))
        if self.kind == "max":
            if apart is not None:
                signal = F.pad(signal, apart, value=float("-inf"))
            return F.max_pool2d(signal, self.ksize, self.strides, pad, ceil_mode=ceil)
        if apart is None:
            return F.avg_pool2d(signal, self.ksize, self.strides, pad, ceil, count_include_pad=False)
        # The mean over the whole window, corrected by the share of it that lies inside.
        inside = F.avg_pool2d(F.pad(torch.ones_like(signal[:1, :1]), apart), self.ksize, self.strides)
        return F.avg_pool2d(F.pad(signal, apart), self.ksize, self.strides) / inside

    def _arrangement(self, size: Pair) -> _Arrangement:
        if size not in self._known:
            self._known[size] = _arranged(self.padding, size, self.ksize, self.strides)
        return self._known[size]

    def _check(self, signal: Signal) -> None:
        check_map(self, signal)
        check_room(self, signal)

    def extra_repr(self) -> str:
        return f"{self.kind} {windows(self)}"


class MaxPoolingLayer(PoolingLayer):
    """The largest of each window."""

    def __init__(self, ksize: Any, strides: Any, padding: Padding, **kwargs: Any) -> None:
        super().__init__(ksize, strides, padding, "max", **kwargs)


class AveragePoolingLayer(PoolingLayer):
    """The mean of each window."""

    def __init__(self, ksize: Any, strides: Any, padding: Padding, **kwargs: Any) -> None:
        super().__init__(ksize, strides, padding, "avg", **kwargs)


def _arranged(kind: str | Pair, size: Pair, window: Pair, strides: Pair) -> _Arrangement:
    """How torch is asked: padding on both sides, whether sizes are rounded up, padding done beforehand.

    torch pads both sides alike. One pixel more at the bottom or right is what rounding up adds, without
    a copy of the signal; where that does not come out right, padding is done beforehand.
    """
    both = pads(kind, size, window, strides)
    wanted = [emitted(*args) for args in zip(size, window, strides, both, strict=True)]
    before = (both[0][0], both[1][0])
    for ceil in (False, True):
        if [_torch_size(*args, ceil) for args in zip(size, window, strides, before, strict=True)] == wanted:
            return before, ceil, None
    return (0, 0), False, (*both[1], *both[0])


def _torch_size(size: int, window: int, stride: int, pad: int, ceil: bool) -> int:
    room = size + 2 * pad - window
    count = (-(-room // stride) if ceil else room // stride) + 1
    # The last window begins inside, or in the padding before.
    return count - 1 if ceil and (count - 1) * stride >= size + pad else count
