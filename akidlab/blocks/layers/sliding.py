"""Weights that slide over feature maps: what convolutions of all kinds have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.layers.maps import check_map, check_room, windows
from akidlab.blocks.layers.padding import Padding, Pair, pads, pair
from akidlab.blocks.layers.padding import padding as read_padding
from akidlab.blocks.layers.synapse import SynapseLayer
from akidlab.blocks.signal import Signal


class SlidingLayer(SynapseLayer):
    """A synapse whose weights slide over `[batch, channels, height, width]`.

    Args:
        ksize: of the window, as 5, [5, 5] or [1, 5, 5, 1].
        strides: written the same way.
        padding: `"SAME"` and `"VALID"` as TensorFlow computes them, or a number of pixels.
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).
    """

    def __init__(
        self,
        ksize: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Padding = "SAME",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ksize, self.strides = pair(ksize, "ksize"), pair(strides, "strides")
        self.padding = read_padding(padding)
        self._pad = _of_any_size(self.padding, self.ksize, self.strides)

    def _padded(self, signal: Tensor) -> tuple[Tensor, Pair]:
        """The signal, and what torch is to add on both sides alike."""
        if self._pad is not None:
            return signal, self._pad
        top, left = pads(self.padding, (signal.shape[-2], signal.shape[-1]), self.ksize, self.strides)
        if top[0] == top[1] and left[0] == left[1]:
            return signal, (top[0], left[0])
        return F.pad(signal, (*left, *top)), (0, 0)

    def _kernel(self) -> tuple[int, ...]:
        return self.ksize

    def _given(self, signal: Signal) -> int:
        return signal.shape[1]

    def _check(self, signal: Signal) -> None:
        check_map(self, signal)
        self._check_kind(signal)
        if self.in_channel_num not in (None, signal.shape[1]):
            raise self._contradicts(signal, signal.shape[1], "channels")
        check_room(self, signal)

    def extra_repr(self) -> str:
        return f"{self.in_channel_num or '?'} → {self.out_channel_num or '?'}, {windows(self)}"


def _of_any_size(kind: str | Pair, window: Pair, strides: Pair) -> Pair | None:
    """The padding where it is the same for maps of any size and on both sides, else None."""
    if kind != "SAME":
        return (0, 0) if isinstance(kind, str) else kind
    plain = strides == (1, 1) and window[0] % 2 == window[1] % 2 == 1
    return (window[0] // 2, window[1] // 2) if plain else None
