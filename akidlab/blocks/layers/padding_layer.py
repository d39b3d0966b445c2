"""Padding as a layer: a border around each feature map, or more channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float

Side = tuple[int, int]


class PaddingLayer(Block):
    """Zeros (or another number) around what it is given.

    Args:
        padding: `1` for each dimension after the channels, `[1, 2]` for the last two, or a number for
            every dimension, in the order of the input: `[0, 8, 0, 0]` adds 8 channels before and 8 after.
            Instead of a number, a pair says how many before and how many after.
        value: what is put there.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Raises:
        BlockError: if the padding is written another way.

    Example:
        >>> import torch
        >>> PaddingLayer([1, 2])(torch.zeros(1, 3, 8, 8)).shape
        torch.Size([1, 3, 10, 12])
    """

    NAME = "padding"

    def __init__(
        self, padding: int | Sequence[int | Sequence[int]] = (1, 1), *, value: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.padding = _side(padding) if isinstance(padding, int) else _sides(padding)
        self.value = value

    def forward(self, signal: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        sides = self._spread(signal)
        return F.pad(signal, [pixels for side in reversed(sides) for pixels in side], value=self.value)

    def backward(self, signal: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """Top-down: what lies inside the border."""
        sides = self._spread(signal)
        return F.pad(signal, [-pixels for side in reversed(sides) for pixels in side])

    def _spread(self, signal: Tensor) -> list[Side]:
        sides = self.padding if isinstance(self.padding, list) else [self.padding] * (signal.dim() - 2)
        if signal.dim() < 3 or (len(sides) != signal.dim() and len(sides) > 2):
            self._check(signal)
        return sides

    def _check(self, signal: Signal) -> None:
        wanted = len(self.padding) if isinstance(self.padding, list) and len(self.padding) > 2 else None
        if not isinstance(signal, Tensor) or signal.dim() < 3 or wanted not in (None, signal.dim()):
            raise BlockError(
                f"`{self.name}` pads by {self.extra_repr()}, which takes an input of {wanted or '3 or more'} "
                f"dimensions, found {found(signal)}. Correct `padding`."
            )

    def extra_repr(self) -> str:
        sides = self.padding if isinstance(self.padding, list) else [self.padding]
        return "×".join(str(a) if a == b else f"({a}, {b})" for a, b in sides)


def _sides(padding: object) -> list[Side]:
    if not isinstance(padding, Sequence) or isinstance(padding, str) or len(padding) < 2:
        raise _unread(padding)
    sides = [_side(side) for side in padding]
    if len(sides) > 2 and sides[0] != (0, 0):
        raise BlockError(f"`padding` cannot add samples to a batch, found {padding!r}. Begin it with 0.")
    if len(sides) == 4 and sides[3] == (0, 0) and sides[1] != (0, 0) and sides[2] != (0, 0):
        raise BlockError(
            f"`padding` follows the order of the input, batch×channels×height×width, found {padding!r}. To "
            f"pad height and width, write {[0, 0, *padding[1:3]]!r} or {list(padding[1:3])!r}."
        )
    return sides


def _side(written: object) -> Side:
    if isinstance(written, int):
        written = (written, written)
    if isinstance(written, Sequence) and len(written) == 2:
        before, after = written
        if isinstance(before, int) and isinstance(after, int) and before >= 0 and after >= 0:
            return before, after
    raise _unread(written)


def _unread(written: object) -> BlockError:
    return BlockError(f"`padding` is written as 1, [1, 2] or [0, 0, 1, 2], found {written!r}.")
