"""Reshaping."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.signal import Signal, found
from akidlab.blocks.topdown import given
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class ReshapeLayer(Block):
    """Each sample in another shape; the batch stays as it is.

    Args:
        shape: of one sample, with at most one -1; None makes each sample a row of numbers.
        squeeze: also drop the dimensions of size 1 of a sample.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> ReshapeLayer()(torch.zeros(1, 4, 2, 2)).shape
        torch.Size([1, 16])
    """

    NAME = "reshape"

    def __init__(self, shape: Sequence[int] | None = None, squeeze: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if shape is not None and (not all(isinstance(n, int) for n in shape) or list(shape).count(-1) > 1):
            raise BlockError(f"`shape` is a list of sizes with at most one -1, found {shape!r}.")
        self.shape = None if shape is None else tuple(shape)
        self.squeeze = squeeze

    def forward(self, signal: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        if self.shape is None:
            return signal.flatten(1)
        signal = signal.reshape(signal.shape[0], *self.shape)
        if not self.squeeze:
            return signal
        return signal.reshape(signal.shape[0], *(n for n in signal.shape[1:] if n != 1))

    def backward(self, signal: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """Each sample in the shape that it was given in.

        Raises:
            BlockError: if there was no pass forward, or samples hold another count of numbers.
        """
        shape = given(self)[1:]
        if signal.shape[1:].numel() != math.prod(shape):
            wanted = "×".join(map(str, shape))
            raise BlockError(
                f"`backward` of `{self.name}` makes samples of {wanted} again, found {found(signal)}."
            )
        return signal.reshape(signal.shape[0], *shape)

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, Tensor) or not signal.dim():
            raise BlockError(f"`{self.name}` wants a tensor with a batch, found {found(signal)}.")
        if self.shape is None:
            return
        has, wants = signal.shape[1:].numel(), abs(math.prod(self.shape))
        if has % wants if -1 in self.shape else has != wants:
            raise BlockError(
                f"`{self.name}` cannot make {list(self.shape)} out of an input of {found(signal)}: a sample "
                f"holds {has} numbers. Correct its `shape`."
            )

    def extra_repr(self) -> str:
        return "flat" if self.shape is None else "×".join(map(str, self.shape))
