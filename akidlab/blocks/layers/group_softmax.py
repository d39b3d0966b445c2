"""The softmax within each group of channels, with a ground state or without."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from akidlab.blocks.kind import check_kind, like
from akidlab.blocks.layers.group import GroupProcessingLayer
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Signal, listed


class SoftmaxNormalizationLayer(GroupProcessingLayer):
    """The softmax within each group: its channels become positive and add up to 1.

    Args:
        group_size: how many channels are a group.
        use_temperature: divide by a learnt temperature first; it starts at 10.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> SoftmaxNormalizationLayer(group_size=2)(torch.tensor([[0.0, 0.0, 1.0, 0.0]]))
        tensor([[0.5000, 0.5000, 0.7311, 0.2689]])
    """

    NAME = "softmax_norm"
    temperature: nn.Parameter | None

    def __init__(self, group_size: int = 4, *, use_temperature: bool = False, **kwargs: Any) -> None:
        super().__init__(group_size, **kwargs)
        self.use_temperature = use_temperature
        self.register_parameter("temperature", None)

    def forward(self, signal: Signal) -> Signal:
        if isinstance(signal, list):
            return [torch.softmax(self._tempered(part), 1) for part in signal]
        return torch.softmax(self._tempered(self._apart(signal)), 2).flatten(1, 2)

    def _tempered(self, signal: Tensor) -> Tensor:
        return signal if self.temperature is None else signal / self.temperature

    def _check(self, signal: Signal) -> None:
        super()._check(signal)
        for part in listed(signal):
            check_kind(self, part, self.temperature)

    def _setup(self, signal: Signal, seed: Seed) -> None:
        if self.use_temperature:
            self._make(**like(signal))

    def _make(self, **kind: Any) -> None:
        self.temperature = nn.Parameter(torch.full((), 10.0, **kind))

    def _parameters_made(self) -> list[str]:
        return ["temperature"] if self.use_temperature else []

    def _adopt(self, state: dict[str, Tensor]) -> list[str]:
        if self.use_temperature:
            self._make(device=state["temperature"].device, dtype=state["temperature"].dtype)
        self._is_setup = True
        return []

    def extra_repr(self) -> str:
        return super().extra_repr() + (", temperature" if self.use_temperature else "")


class GroupSoftmaxLayer(SoftmaxNormalizationLayer):
    """The softmax within each group and a ground state: how probable each channel is, or none of them.

    The ground state has the logit 0, so the probability of channel i is exp(x_i) / (1 + sum_j exp(x_j));
    its own probability is left out. In groups of one that is the sigmoid.

    Args:
        group_size: how many channels are a group.
        concat_output: emit one tensor; False emits a list, one tensor for each group.
        use_temperature: divide by a learnt temperature first; it starts at 10.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> GroupSoftmaxLayer(group_size=2)(torch.zeros(1, 4))
        tensor([[0.3333, 0.3333, 0.3333, 0.3333]])
    """

    NAME = "gsmax"

    def __init__(
        self, group_size: int = 4, *, concat_output: bool = True, use_temperature: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(group_size, use_temperature=use_temperature, **kwargs)
        self.concat_output = concat_output

    def forward(self, signal: Signal) -> Signal:
        if isinstance(signal, list):
            groups = [_above_ground(self._tempered(part), 1) for part in signal]
            return torch.cat(groups, 1) if self.concat_output else groups
        groups = _above_ground(self._tempered(self._apart(signal)), 2)
        return groups.flatten(1, 2) if self.concat_output else list(groups.unbind(1))


def _above_ground(logits: Tensor, dim: int) -> Tensor:
    if logits.shape[dim] == 1:
        return torch.sigmoid(logits)
    ground = [0, 0] * (logits.dim() - 1 - dim) + [0, 1]  # `pad` counts dimensions from the last
    return torch.softmax(F.pad(logits, ground), dim).narrow(dim, 0, logits.shape[dim])
