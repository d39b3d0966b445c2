"""Groups: what is worked out for each few consecutive channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.layers.channels import check_channels, check_groups, whole_number
from akidlab.blocks.signal import Signal, listed

if TYPE_CHECKING:
    from jaxtyping import Float


class GroupProcessingLayer(Block):
    """Works on groups: so many consecutive channels of a tensor, or each tensor of a list.

    Args:
        group_size: how many channels of a tensor are a group; a list brings its own groups, which may
            differ in size.
        kwargs: more of `Block`, such as `name` and `inputs`.
    """

    NAME = "group"

    def __init__(self, group_size: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.group_size = whole_number(self, "group_size", group_size)

    def _apart(self, signal: Float[Tensor, "batch channels ..."]) -> Float[Tensor, "batch groups size ..."]:
        return signal.unflatten(1, (-1, self.group_size))

    def _check(self, signal: Signal) -> None:
        for part in listed(signal):
            check_channels(self, part)
        if isinstance(signal, Tensor):
            check_groups(self, signal, size=self.group_size)

    def extra_repr(self) -> str:
        return f"groups of {self.group_size}"
