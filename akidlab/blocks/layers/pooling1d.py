"""Pooling along time: the largest of each window of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.layers.arrangement import Arrangement, arranged, check_overlap
from akidlab.blocks.layers.channels import whole_number
from akidlab.blocks.layers.padding import Padding, emitted, pads
from akidlab.blocks.layers.padding import padding as read_padding
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class MaxPooling1DLayer(Block):
    """The largest of each window of `[batch, channels, time]`.

    Args:
        ksize: how long the window is.
        strides: how far it moves.
        padding: `"SAME"` and `"VALID"` as TensorFlow computes them, or a number at each end.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> MaxPooling1DLayer(2, 2)(torch.tensor([[[1.0, 3.0, 2.0, 0.0]]]))
        tensor([[[3., 2.]]])
    """

    NAME = "pool"

    def __init__(self, ksize: int, strides: int, padding: Padding = "VALID", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ksize = (1, whole_number(self, "ksize", ksize))
        self.strides = (1, whole_number(self, "strides", strides))
        kind = read_padding(padding)
        self.padding = kind if isinstance(kind, str) else (0, kind[1])
        check_overlap(self)
        self._fixed = None if kind == "SAME" else arranged(self.padding, (1, 0), self.ksize, self.strides)
        self._known: dict[int, Arrangement] = {}

    def forward(self, signal: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch channels rows"]:
        pad, ceil, apart = self._fixed or self._arrangement(signal)
        if apart is not None:
            signal = F.pad(signal, apart[:2], value=float("-inf"))
        return torch.max_pool1d(signal, self.ksize[1], self.strides[1], pad[1], 1, ceil)

    def _arrangement(self, signal: Tensor) -> Arrangement:
        if self._fixed is not None:
            return self._fixed
        time = signal.shape[-1]
        if time not in self._known:
            self._known[time] = arranged(self.padding, (1, time), self.ksize, self.strides)
        return self._known[time]

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, Tensor) or signal.dim() != 3:
            raise BlockError(f"`{self.name}` wants sequences of N×channels×time, found {found(signal)}.")
        time, window, stride = signal.shape[-1], self.ksize[1], self.strides[1]
        if emitted(time, window, stride, pads(self.padding, (1, time), self.ksize, self.strides)[1]) < 1:
            raise BlockError(
                f"The window of `{self.name}`, {window}, does not fit into sequences of {time}. Take a "
                'smaller `ksize`, or padding="SAME".'
            )

    def extra_repr(self) -> str:
        stride = "" if self.strides[1] == 1 else f" / {self.strides[1]}"
        padding = self.padding if isinstance(self.padding, str) else self.padding[1]
        return f"max {self.ksize[1]}{stride} {padding}"
