"""Growth: how much larger weights are than they were when someone looked first."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from akidlab.guards.leaves import leaves


class Grown(NamedTuple):
    """The weights that have grown most.

    Args:
        block: whose they are.
        times: how many times as large they are.
        since: before which step they were as large as once.
    """

    block: str
    times: float
    since: int


class Growth:
    """Remembers how large the weights of a module are: what overflows later was begun so, or has grown.

    Args:
        module: whose weights; biases begin at 0, and tell nothing.
        step: the step that is made next.

    Example:
        >>> net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        >>> growth = Growth(net, step=7)
        >>> _ = net[1].weight.data.mul_(8)
        >>> growth.most()
        Grown(block='linear1', times=8.0, since=7)
    """

    def __init__(self, module: nn.Module, step: int = 1) -> None:
        self.step = step
        found = [
            (name, parameter)
            for name, leaf in leaves(module).items()
            for parameter in leaf.parameters()
            if not is_lazy(parameter) and parameter.dim() > 1 and parameter.is_floating_point()
        ]
        self._names, self._weights = [name for name, _ in found], [weight for _, weight in found]
        self._before = [_size(weight) for weight in self._weights]

    def most(self) -> Grown | None:
        """What has grown most; None if there are no weights but such as were 0."""
        grown = []
        for name, weight, before in zip(self._names, self._weights, self._before, strict=True):
            times = float(_size(weight) / before)
            if float(before) and times == times:
                grown.append(Grown(name, times, self.step))
        return max(grown, key=lambda one: one.times, default=None)


def _size(weight: Tensor) -> Tensor:
    """The sum of what its elements are away from 0, which overflows later than that of their squares."""
    dtype = torch.float32 if weight.element_size() < 4 else None
    return torch.linalg.vector_norm(weight.detach(), 1, dtype=dtype)
