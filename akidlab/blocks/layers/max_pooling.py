"""Max pooling: the largest of each window, and where it was."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from akidlab.blocks.layers.arrangement import located, put
from akidlab.blocks.layers.padding import Padding, Pair, pads
from akidlab.blocks.layers.pooling import PoolingLayer
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Signal, found, listed
from akidlab.errors import BlockError


class MaxPoolingLayer(PoolingLayer):
    """The largest of each window; a list of feature maps becomes a list.

    Args:
        ksize: of the window, as 2, [2, 2] or [1, 2, 2, 1].
        strides: written the same way.
        padding: `"SAME"` and `"VALID"` as TensorFlow computes them, or a number of pixels.
        get_argmax_idx: remember where the largest numbers were, for `argmax_idx` and `backward`.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> pool = MaxPoolingLayer(2, 2, get_argmax_idx=True)
        >>> pool(torch.tensor([[[[1.0, 2.0, 0.0, 5.0], [4.0, 3.0, 0.0, 0.0]]]]))
        tensor([[[[4., 5.]]]])
        >>> pool.argmax_idx, pool.in_group_indices
        (tensor([[[[4, 3]]]]), tensor([[[[2, 1]]]]))
    """

    SETTLED = ("type",)

    def __init__(
        self,
        ksize: Any,
        strides: Any,
        padding: Padding = "VALID",
        *,
        get_argmax_idx: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(ksize, strides, padding, "max", **kwargs)
        self.get_argmax_idx = get_argmax_idx
        self._found: list[list[tuple[Tensor, Pair]] | None] = [None]  # of the last pass

    def forward(self, signal: Signal) -> Signal:
        if self.get_argmax_idx and not torch.compiler.is_exporting():
            return self._located(signal)
        pooled = super().forward
        return [pooled(part) for part in signal] if type(signal) is list else pooled(signal)

    def _located(self, signal: Signal) -> Signal:
        values, places = [], []
        for part in listed(signal):
            value, at = located(part, self.ksize, self.strides, self._arrangement(part))
            values.append(value)
            places.append((at, (part.shape[-2], part.shape[-1])))
        self._found[0] = places
        return values if isinstance(signal, list) else values[0]

    @property
    def argmax_idx(self) -> Signal:
        """Where in its map, counted row by row, each value of the last pass was; None before a pass.

        Whole numbers `[batch, channels, rows, columns]`, a list of them for a list.
        """
        places = self._found[0]
        return None if places is None else self._packed([at for at, _ in places])

    @property
    def in_group_indices(self) -> Signal:
        """Which number of its window, counted row by row, each value of the last pass was; None before.

        Whole numbers shaped as `argmax_idx`.
        """
        places = self._found[0]
        return None if places is None else self._packed([self._within(at, size) for at, size in places])

    def _within(self, at: Tensor, size: Pair) -> Tensor:
        (top, _), (left, _) = pads(self.padding, size, self.ksize, self.strides)
        down, right = (torch.arange(n, device=at.device) for n in at.shape[-2:])
        row = at // size[1] - (down * self.strides[0] - top).unsqueeze(1)
        column = at % size[1] - (right * self.strides[1] - left)
        return row * self.ksize[1] + column

    def _packed(self, parts: list[Tensor]) -> Any:
        return parts if isinstance(self.data, list) else parts[0]

    def backward(self, signal: Signal) -> Signal:
        """Top-down: each value where the largest of its window was, zero elsewhere; lists as lists.

        Where overlapping windows found the same number, it becomes the mean of what they give back.

        Raises:
            BlockError: if it did not remember, or `signal` is not shaped as the value of the last pass.
        """
        if self._found[0] is None:
            raise BlockError(
                f"`{self.name}` cannot be run backward: it does not know where the largest numbers were. "
                "Make it with get_argmax_idx=True, and call it first."
            )
        parts = listed(signal)
        if [part.shape for part in parts] != [at.shape for at, _ in self._found[0]]:
            raise BlockError(
                f"`{self.name}` emitted {found(self.data)} in its last pass, found {found(signal)} on the "
                "way back. Give back what is shaped as its value."
            )
        values = [put(part, at, size) for part, (at, size) in zip(parts, self._found[0], strict=True)]
        return values if isinstance(signal, list) else values[0]

    def _prepare(self, signal: Signal, seed: Seed) -> Signal:
        before = self._found[0]
        value = super()._prepare(signal, seed)
        self._found[0] = before  # a trial pass leaves no trace
        return value

    def _check(self, signal: Signal) -> None:
        for part in listed(signal):
            super()._check(part)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_found": [None]}
