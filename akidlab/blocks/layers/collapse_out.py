"""Maxout and average-out: one channel out of each few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from akidlab.blocks.layers.group import GroupProcessingLayer
from akidlab.blocks.signal import Signal
from akidlab.errors import unknown

if TYPE_CHECKING:
    from jaxtyping import Float


class CollapseOutLayer(GroupProcessingLayer):
    """One channel out of each group: its largest value (maxout), or its mean.

    Source: Goodfellow et al., "Maxout networks", arXiv 1302.4389.

    Args:
        group_size: how many channels become one. Each tensor of a list becomes one channel.
        type: `maxout` or `average_out`.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> CollapseOutLayer(group_size=2)(torch.tensor([[1.0, 2.0, 4.0, 3.0]]))
        tensor([[2., 4.]])
    """

    NAME = "maxout"

    def __init__(self, group_size: int = 4, *, type: str = "maxout", **kwargs: Any) -> None:
        super().__init__(group_size, **kwargs)
        if type not in ("maxout", "average_out"):
            raise unknown("type of collapse", str(type), ("maxout", "average_out"))
        self.kind = type  # `type` is a method of torch modules

    def forward(self, signal: Signal) -> Float[Tensor, "batch groups ..."]:
        if isinstance(signal, list):
            return torch.cat([self._collapsed(part.unsqueeze(1)) for part in signal], 1)
        return self._collapsed(self._apart(signal))

    def _collapsed(self, groups: Tensor) -> Tensor:
        return groups.amax(2) if self.kind == "maxout" else groups.mean(2)

    def extra_repr(self) -> str:
        return f"{self.kind}, {super().extra_repr()}"
